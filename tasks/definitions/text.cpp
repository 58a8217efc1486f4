/// Sentiment of a film review read byte by byte: id = byte + 1, 0 unused.
///
///   Maas et al. "Learning Word Vectors for Sentiment Analysis." ACL 2011.
///   Tay et al. "Long Range Arena: A Benchmark for Efficient Transformers." ICLR 2021.
#include "tasks/definition.h"
#include "tasks/render.h"

namespace lra {
namespace {

const RegisterTask registered{"text",
                              {.summary = "whether a film review, read byte by byte, is positive",
                               .citation = "Maas et al. 2011; Tay et al. 2021",
                               .official = "aclImdb_v1.tar.gz or the folder aclImdb",
                               .vocab = 257,
                               .classes = 2,
                               .lra_column = 2,
                               .render = render_bytes}};

}  // namespace
}  // namespace lra
