/// CIFAR-10's conversion to gray and the order of its examples.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lra::cifar10 {

/// TensorFlow's rgb_to_grayscale on 8-bit channels: float32 weights 0.2989, 0.5870, 0.1140, times 255.5, rounded down.
std::uint8_t gray(std::uint8_t red, std::uint8_t green, std::uint8_t blue);

/// Return the order in which TensorFlow Datasets 3 stores `n` examples of a split: by the MD5 of the split's name
/// followed by the example's number as text.
std::vector<std::uint32_t> stored_order(const std::string& split, std::uint32_t n);

}  // namespace lra::cifar10
