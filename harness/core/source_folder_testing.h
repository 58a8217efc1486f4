/// The folder of the project's sources, for tests that read files of it.
#pragma once

#include <filesystem>

namespace lra {

/// Only the file that defines it depends on the place of the checkout, so that checkouts share compiled tests.
std::filesystem::path source_folder();

}  // namespace lra
