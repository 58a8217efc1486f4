/// Revisions from before they were numbered, when every run stored a hash of its model's source text.
#pragma once

#include <array>
#include <string_view>

namespace lra {

struct HashedRevision {
  std::string_view model, hash;
};

/// The number that replaces every model's last hash: engine 1, model 1.
inline constexpr std::string_view kFirstRevision = "1.1";

/// Each model's last hash, attention models first, in alphabetical order. The code with this hash gave the bits of
/// revision 1.1. The table is closed: runs now store numbers.
inline constexpr std::array kHashedRevisions{
    HashedRevision{"adaptively_sparse", "bfb98175b93d005c"},
    HashedRevision{"axial", "c17e7c46153877bd"},
    HashedRevision{"bigbird", "2ef40b2999424b26"},
    HashedRevision{"compressive", "41f1afc26440bb79"},
    HashedRevision{"etc", "4162ae7dca45bb9a"},
    HashedRevision{"identity", "9e158bb37d605c76"},
    HashedRevision{"image_transformer", "d5f6f0b700c28134"},
    HashedRevision{"linear", "bb101ba0bbd9d41a"},
    HashedRevision{"linformer", "6cf452a89dfe9ab8"},
    HashedRevision{"local", "626fe32d015ca168"},
    HashedRevision{"long_short", "c5bf1d44179ed49c"},
    HashedRevision{"longformer", "09fc65f94ef7f52f"},
    HashedRevision{"luna", "dc663ca4335090ec"},
    HashedRevision{"memory_compressed", "764f6fb0286a95c4"},
    HashedRevision{"nystromformer", "43a0df2478108f4c"},
    HashedRevision{"performer", "62c4b49ce7ca6cd2"},
    HashedRevision{"poolingformer", "548fa402df351144"},
    HashedRevision{"reformer", "580481215358ba77"},
    HashedRevision{"rfa", "6bba8ab5634e64ac"},
    HashedRevision{"routing", "6753dcc774d0c87c"},
    HashedRevision{"sinkhorn", "f82681fbb85c3200"},
    HashedRevision{"sparse", "e065573098149c75"},
    HashedRevision{"synthesizer", "e31eaf17ee634f69"},
    HashedRevision{"transformer", "f0a8a3cb81abc823"},
    HashedRevision{"transformer_xl", "a4d19bb3395da66e"},
    HashedRevision{"clusterformer", "1a262c100662dfc2"},
    HashedRevision{"funnel", "c36342d6300065ce"},
    HashedRevision{"glam", "9508beb0a724eb88"},
    HashedRevision{"gshard", "b483d2c2ce93c8fa"},
    HashedRevision{"perceiver", "8c7cf06f63dc9c18"},
    HashedRevision{"product_key_memory", "ff3cb463fd08528b"},
    HashedRevision{"reversible_reformer", "4d06fe649ab52a33"},
    HashedRevision{"scaling", "dab5bba8185de154"},
    HashedRevision{"set_transformer", "30ee10aaa502acae"},
    HashedRevision{"switch", "ece375c9ca55c0f2"},
    HashedRevision{"tokenlearner", "cb973a7c5da04c24"},
};

}  // namespace lra
