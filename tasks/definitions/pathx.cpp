/// Pathfinder on pictures of 128x128: 16,384 tokens.
///
///   Linsley et al. "Learning Long-Range Spatial Dependencies with Horizontal Gated Recurrent Units." NeurIPS 2018.
///   Tay et al. "Long Range Arena: A Benchmark for Efficient Transformers." ICLR 2021 (contours of 14 dashes).
#include "tasks/definition.h"
#include "tasks/render.h"

namespace lra {
namespace {

const RegisterTask registered{"pathx",
                              {.summary = "whether a dashed curve joins the two marked points of a 128x128 picture",
                               .citation = "Linsley et al. 2018; Tay et al. 2021",
                               .official = "pathfinder128/curv_contour_length_14 of the LRA release",
                               .vocab = 256,
                               .classes = 2,
                               .image = true,
                               .lra_column = 6,
                               .may_fail = true,
                               .may_stay_at_chance = true,
                               .render = render_shades}};

}  // namespace
}  // namespace lra
