/// The class of a gray picture read pixel by pixel: id = gray value.
///
///   Krizhevsky. "Learning Multiple Layers of Features from Tiny Images." 2009.
///   Tay et al. "Long Range Arena: A Benchmark for Efficient Transformers." ICLR 2021.
#include "tasks/definition.h"
#include "tasks/render.h"

namespace lra {
namespace {

const RegisterTask registered{"image",
                              {.summary = "which of ten classes a gray picture shows, read pixel by pixel",
                               .citation = "Krizhevsky 2009; Tay et al. 2021",
                               .official = "cifar-10-binary.tar.gz or the folder cifar-10-batches-bin",
                               .vocab = 256,
                               .classes = 10,
                               .image = true,
                               .lra_column = 4,
                               .render = render_shades}};

}  // namespace
}  // namespace lra
