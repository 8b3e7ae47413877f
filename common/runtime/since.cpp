#include "common/runtime/since.hpp"

namespace kilter::runtime {

UnixMs Since::update(std::string_view words, UnixMs now) {
    std::string said = without_digits(words);
    if (said != words_) {
        words_ = std::move(said);
        since_ = now;
    }
    return since_;
}

std::string without_digits(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (c < '0' || c > '9') out += c;
    return out;
}

}  // namespace kilter::runtime
