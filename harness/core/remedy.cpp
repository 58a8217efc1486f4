#include "core/remedy.h"

#include <cerrno>

namespace lra {

std::string remedy_of(int error) {
  switch (error) {
    case EMFILE:
      return "raise the limit of open files (ulimit -n)";
    case ENFILE:
      return "the system has no more open files to give; end other programs or try later";
    case EFBIG:
      return "raise the limit of a file's size (ulimit -f)";
    case ENOSPC:
      return "make room on its disk";
    case EDQUOT:
      return "make room in your quota of its disk";
    case EACCES:
    case EPERM:
      return "get permission to write there";
    case EROFS:
      return "its file system may only be read; choose a place on another";
    default:
      return {};
  }
}

}  // namespace lra
