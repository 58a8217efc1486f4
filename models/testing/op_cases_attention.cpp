/// Cases of softmax attention over windows and patterns.
#include "models/testing/op_entries.h"

namespace lra::inline LRA_ENGINE {
namespace {

Entry attention(const std::string& name, const Window& window, double rate, const SequenceLayout& layout, long width,
                long head_count, bool materialized = false) {
  const long t = layout.tokens();
  return {{name, {{t, width}, {t, width}, {t, width}}}, [=](const Inputs& x) {
            return materialized ? materialized_attention(x[0], x[1], x[2], head_count, window, site(rate), layout)
                                : softmax_attention(x[0], x[1], x[2], head_count, window, site(rate), layout, layout);
          }};
}

Entry sparse(const std::string& name, const Pattern& pattern, double rate, const SequenceLayout& layout, long width,
             long head_count) {
  const long t = layout.tokens();
  return {{name, {{t, width}, {t, width}, {t, width}}}, [=](const Inputs& x) {
            return sparse_attention(x[0], x[1], x[2], head_count, pattern, site(rate), layout, layout);
          }};
}

/// A band, and every step-th key outside of the band.
Pattern columns(const SequenceLayout& layout, long step) {
  return [=](long s, long, const PartVisitor& visit) {
    const long n = layout.size(s);
    const Window band = Window::band(step - 1, 1);
    visit({Positions::all(n), Positions::all(n), band});
    for (long r = 0; r < step; ++r) {
      const Positions column = Positions(n).add(r, n, step);
      visit({column, column, Window::everything(), band});
    }
  };
}

/// All pairs, in four interleaved parts.
Pattern pieces(const SequenceLayout& layout) {
  return [=](long s, long, const PartVisitor& visit) {
    const long n = layout.size(s);
    const Positions odd = Positions(n).add(1, n, 2), even = Positions(n).add(0, n, 2);
    const Positions apart = Positions(n).add(n / 2, n).add(0, n / 4), rest = Positions(n).add(n / 4, n / 2 - n / 4);
    for (const Positions& queries : {odd, even})
      for (const Positions& keys : {apart, rest}) visit({queries, keys});
  };
}

/// One part of scattered queries and more scattered keys than fit into a tile; the first head sees earlier keys, the
/// other later keys.
Pattern scattered(const SequenceLayout& layout) {
  return [=](long s, long head, const PartVisitor& visit) {
    const long n = layout.size(s);
    const Positions queries = Positions(n).add(3, n, 2), keys = Positions(n).add(0, n / 3).add(n / 3 + 5, n);
    visit({queries, keys, head == 0 ? Window::band(n, 0) : Window::band(-1, n)});
  };
}

}  // namespace

std::vector<Entry> attention_cases() {
  std::vector<Entry> all = {
      attention("attention, ragged", Window::everything(), 0, ragged(), 6, 2),
      attention("attention, ragged, dropout", Window::everything(), 0.3, ragged(), 6, 2),
      attention("attention, several tiles", Window::everything(), 0, single(300, 300), 8, 1),
      attention("attention, several tiles, dropout", Window::everything(), 0.2, single(300, 310), 8, 1),
      attention("attention, blocks of 4", Window::blocks(4), 0.2, ragged(), 6, 2),
      attention("attention, blocks of 50", Window::blocks(50), 0.1, single(130, 130), 4, 2),
      attention("attention, blocks of one head", Window::blocks(50), 0.1, single(130, 130), 4, 1),
      attention("attention, blocks over tiles", Window::blocks(150), 0, single(320, 320), 4, 2),
      attention("attention, blocks and neighbours", Window::blocks(3, 1, 1), 0, ragged(), 6, 2),
      attention("attention, blocks and neighbours over tiles", Window::blocks(40, 3, 4), 0.1, single(330, 330), 4, 2),
      {{"attention, blocks of one tensor", {{15, 6}}},
       [](const Inputs& x) {
         return softmax_attention(x[0], x[0], x[0], 2, Window::blocks(3), site(0.2), ragged(), ragged());
       }},
      attention("attention, band", Window::band(2, 1), 0.2, ragged(), 6, 3),
      attention("attention, band over tiles", Window::band(70, 60), 0, single(290, 290), 4, 1),
      attention("attention, one feature per head", Window::everything(), 0, single(17, 20), 3, 3),
      attention("materialized attention", Window::everything(), 0.3, ragged(), 6, 2, true),
      attention("materialized attention, band", Window::band(2, 1), 0, ragged(), 6, 2, true),
      {{"attention to other keys", {{15, 6}, {8, 6}, {8, 6}}},
       [](const Inputs& x) {
         SequenceLayout keys = ragged();
         keys.offsets = {0, 3, 4, 8};
         keys.length = 4;
         return softmax_attention(x[0], x[1], x[2], 2, Window::everything(), site(0.2), ragged(), keys);
       }},
  };
  Window causal;
  causal.causal = true;
  all.push_back(attention("attention, causal", causal, 0, ragged(), 6, 2));
  return all;
}
namespace {

/// `first` keys that all queries see, then a band, with labels of distance.
Tensor labelled(const Inputs& x, const SequenceLayout& layout, long reach, long first) {
  SequenceLayout keys = layout;
  for (long s = 0; s < layout.count(); ++s) keys.offsets[std::size_t(s) + 1] = layout.begin(s + 1) + (s + 1) * first;
  const Pattern pattern = [=](long s, long, const PartVisitor& visit) {
    const long n = layout.size(s);
    visit({Positions::all(n), Positions(n + first).add(0, first)});
    visit({Positions::all(n), Positions(n + first).add(first, n), Window::band(n / 2 + 1, 7).over(1, -first),
           Window::band(2, -1).over(1, -first)});
  };
  return sparse_attention(x[0], x[1], x[2], 2, pattern, site(0.2), layout, keys, {x[3], reach, first});
}

/// Causal blocks of `block` tokens that also see the block before as other keys, which follow the tokens.
Tensor relative_blocks(const Inputs& x, const SequenceLayout& layout, long block) {
  SequenceLayout keys = layout;
  for (long& offset : keys.offsets) offset *= 2;
  const Pattern pattern = [=](long s, long, const PartVisitor& visit) {
    const long n = layout.size(s);
    for (long begin = 0; begin < n; begin += block) {
      const Positions own = Positions(n).add(begin, block);
      Window causal;
      causal.causal = true;
      visit({own, Positions(2 * n).add(begin, std::min(block, n - begin)), causal});
      if (begin > 0) visit({own, Positions(2 * n).add(n + begin - block, block), Window::everything().over(1, -n)});
    }
  };
  return relative_attention(x[0], x[1], x[2], 2, pattern, site(0.2), layout, keys, {x[3], x[4], 2 * block - 1});
}

/// Every second query of all, with the first one before the keys.
Tensor relative_halves(const Inputs& x, long n) {
  const SequenceLayout queries = single(n / 2, n), keys = single(n, n);
  const Pattern pattern = [n](long, long, const PartVisitor& visit) {
    visit({Positions::all(n / 2), Positions::all(n), Window::everything().over(1, 1)});
  };
  return relative_attention(x[0], x[1], x[2], 2, pattern, site(0.2), queries, keys, {x[3], x[4], n, 2});
}

}  // namespace

std::vector<Entry> sparse_cases() {
  return {
      sparse("sparse attention, columns", columns(ragged(), 3), 0.2, ragged(), 6, 2),
      sparse("sparse attention, columns over tiles", columns(single(290, 300), 2), 0.1, single(290, 300), 4, 1),
      sparse("sparse attention, everything in pieces", pieces(ragged()), 0, ragged(), 6, 2),
      sparse("sparse attention, several tiles in pieces", pieces(single(300, 300)), 0, single(300, 300), 8, 1),
      sparse("sparse attention, scattered", scattered(single(420, 420)), 0.2, single(420, 420), 4, 2),
      // With the unit matrix as values, uniform attention shows the dropout mask of each pair.
      sparse("sparse attention, mask", columns(single(120, 120), 7), 0.25, single(120, 120), 120, 1),
      {{"sparse attention to other keys", {{15, 6}, {8, 6}, {8, 6}}},
       [](const Inputs& x) {
         SequenceLayout keys = ragged();
         keys.offsets = {0, 3, 4, 8};
         keys.length = 4;
         return sparse_attention(
             x[0], x[1], x[2], 2,
             [keys](long s, long, const PartVisitor& visit) {
               visit({Positions(ragged().size(s)).add(0, 4), Positions(keys.size(s)).add(0, 4, 2)});
             },
             site(0.2), ragged(), keys);
       }},
      {{"sparse attention with distances", {{15, 6}, {21, 6}, {21, 6}, {8, 6}}},
       [](const Inputs& x) { return labelled(x, ragged(), 3, 2); }},
      {{"sparse attention with distances over tiles", {{300, 4}, {303, 4}, {303, 4}, {12, 4}}},
       [](const Inputs& x) { return labelled(x, single(300, 300), 5, 3); }},
      {{"relative attention, blocks", {{15, 6}, {30, 6}, {30, 6}, {9, 6}, {6}}},
       [](const Inputs& x) { return relative_blocks(x, ragged(), 3); }},
      {{"relative attention, blocks over tiles", {{460, 4}, {920, 4}, {920, 4}, {900, 4}, {4}}},
       [](const Inputs& x) { return relative_blocks(x, single(460, 460), 300); }},
      {{"relative attention, half of the queries", {{150, 4}, {300, 4}, {300, 4}, {601, 4}, {4}}},
       [](const Inputs& x) { return relative_halves(x, 300); }},
  };
}

}  // namespace lra::inline LRA_ENGINE
