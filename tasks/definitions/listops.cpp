/// The value of a nested expression over digits. Ids as in datasets/listops.h: 15 kinds of token, 0 and 16 unused.
///
///   Nangia, Bowman. "ListOps: A Diagnostic Dataset for Latent Tree Learning." NAACL-SRW 2018.
///   Tay et al. "Long Range Arena: A Benchmark for Efficient Transformers." ICLR 2021 (lengths, brackets).
#include "datasets/listops.h"
#include "tasks/definition.h"

namespace lra {
namespace {

std::string render_tree(const TaskSpec&, std::span<const std::uint16_t> tokens) { return listops::to_tree(tokens); }

const RegisterTask registered{
    "listops",
    {.summary = "the value, 0 to 9, of a nested expression of MIN, MAX, MED and SM over digits",
     .citation = "Nangia, Bowman 2018; Tay et al. 2021",
     .official = "basic_train.tsv, basic_val.tsv and basic_test.tsv of the LRA release",
     .vocab = 17,
     .classes = 10,
     .lra_column = 1,
     .render = render_tree}};

}  // namespace
}  // namespace lra
