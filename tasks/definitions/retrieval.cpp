/// Whether one paper cites the other, both read byte by byte and encoded apart: id = byte + 1, 0 unused.
///
///   Radev et al. "The ACL Anthology Network Corpus." Language Resources and Evaluation 47, 2013.
///   Tay et al. "Long Range Arena: A Benchmark for Efficient Transformers." ICLR 2021.
#include "tasks/definition.h"
#include "tasks/render.h"

namespace lra {
namespace {

const RegisterTask registered{
    "retrieval",
    {.summary = "whether two papers, read byte by byte and encoded apart, are linked by a citation",
     .citation = "Radev et al. 2013; Tay et al. 2021",
     .official = "new_aan_pairs.train.tsv, new_aan_pairs.eval.tsv and new_aan_pairs.test.tsv of the LRA release, or "
                 "their only_ids form with the folder papers_text",
     .vocab = 257,
     .classes = 2,
     .paired = true,
     .lra_column = 3,
     .render = render_bytes}};

}  // namespace
}  // namespace lra
