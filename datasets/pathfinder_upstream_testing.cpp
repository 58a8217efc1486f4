#include "datasets/pathfinder_upstream_testing.h"

namespace lra::pathfinder {
namespace {

/// 600 pictures of 32 by 32.
const UpstreamFigures k32{600,
                          "xxxxxxxxxxxxx........xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.xxxxx"
                          "xxxxxxxxxxxxx.x..xx..xxxxxxxxxxxxxxxxxx.xx.xx..xxxxxxxxxxxxxxxxx"
                          "xxxxxxxxxxxx.xxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxx.xxxxxx"
                          ".xxxxxxxxxxxxx.xx.xxxxxx.x.xxxx.xxxxxx.xx.x.x.xxxxxxx....xxx.xxx",
                          {
                              {"block 0 0", {18.49544, 12.77764}},
                              {"block 0 1", {22.91273, 12.8965}},
                              {"block 0 2", {20.52143, 12.78568}},
                              {"block 0 3", {13.70281, 11.75383}},
                              {"block 1 0", {23.77224, 12.55724}},
                              {"block 1 1", {40.33622, 14.72268}},
                              {"block 1 2", {26.50729, 16.44689}},
                              {"block 1 3", {15.83195, 11.83302}},
                              {"block 2 0", {21.58206, 12.24453}},
                              {"block 2 1", {26.47521, 16.26853}},
                              {"block 2 2", {25.61849, 17.11536}},
                              {"block 2 3", {13.8068, 12.1085}},
                              {"block 3 0", {12.96878, 11.49435}},
                              {"block 3 1", {17.09346, 12.00474}},
                              {"block 3 2", {14.67182, 12.24043}},
                              {"block 3 3", {8.297214, 10.85288}},
                              {"grays 000", {201.0817, 26.06111}},
                              {"grays 032", {19.92833, 4.601434}},
                              {"grays 064", {20.195, 6.030227}},
                              {"grays 096", {21.64667, 5.29136}},
                              {"grays 128", {40.14167, 5.369817}},
                              {"grays 160", {27.45667, 5.678743}},
                              {"grays 192", {12.54333, 3.509243}},
                              {"grays 224", {6.803333, 3.060172}},
                              {"label", {0.5166667, 0.4997221}},
                              {"lit share", {0.3415983, 0.03790722}},
                              {"marker column", {16.00417, 4.622362}},
                              {"marker off middle", {7.862504, 2.517332}},
                              {"marker row", {15.94333, 4.55907}},
                              {"markers apart if joined", {6.772696, 7.556493}},
                              {"markers apart if not", {6.139308, 7.078881}},
                              {"mean gray", {20.16212, 1.998037}},
                              {"patches", {15.62167, 3.226742}},
                          }};

/// 120 pictures of 128 by 128.
const UpstreamFigures k128{120,
                           "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                           "xxxxxxxxxxxxxxx.x..xxxxxxxxxxxxxxxxxxx.xxx.xxxx..xxxxxxx.xxx...x"
                           "xx....x..xx.xxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                           "xxxxxxxxxxxxxxxx.xxxxx.xx.xxxxxxxxxxxx.x...xx.....xxxxxxx.xxxxxx",
                           {
                               {"block 0 0", {8.538037, 5.733024}},
                               {"block 0 1", {9.179435, 4.322131}},
                               {"block 0 2", {8.685278, 4.420573}},
                               {"block 0 3", {6.608, 4.77591}},
                               {"block 1 0", {8.655021, 4.220062}},
                               {"block 1 1", {9.771029, 5.348833}},
                               {"block 1 2", {10.13502, 4.937776}},
                               {"block 1 3", {7.206763, 3.807237}},
                               {"block 2 0", {7.80682, 4.705158}},
                               {"block 2 1", {9.945581, 4.905151}},
                               {"block 2 2", {11.29037, 5.033932}},
                               {"block 2 3", {6.352865, 4.219903}},
                               {"block 3 0", {6.112052, 4.572221}},
                               {"block 3 1", {6.381136, 3.906033}},
                               {"block 3 2", {6.24069, 3.868768}},
                               {"block 3 3", {4.002441, 3.713842}},
                               {"grays 000", {1352.45, 74.36563}},
                               {"grays 032", {227.7083, 31.16098}},
                               {"grays 064", {111.5417, 13.03706}},
                               {"grays 096", {61.36667, 9.122256}},
                               {"grays 128", {56.30833, 9.335234}},
                               {"grays 160", {176.3833, 14.85271}},
                               {"grays 192", {114, 11.02724}},
                               {"grays 224", {152.0083, 16.25602}},
                               {"label", {0.5083333, 0.4999306}},
                               {"lit share", {0.1374369, 0.005415019}},
                               {"marker column", {55.87917, 18.38081}},
                               {"marker off middle", {43.89488, 7.641615}},
                               {"marker row", {53.57083, 18.356}},
                               {"markers apart if joined", {41.30381, 42.57126}},
                               {"markers apart if not", {37.00736, 40.09683}},
                               {"mean gray", {7.931909, 0.3225252}},
                               {"patches", {58.00833, 2.329148}},
                           }};

}  // namespace

const UpstreamFigures& upstream_figures(long size) { return size == 32 ? k32 : k128; }

}  // namespace lra::pathfinder
