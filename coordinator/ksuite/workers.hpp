/// Who does the blocks of a step: this folder knows of no threads, its host may lend it some.
#pragma once

#include <cstddef>

namespace kilter::ksuite {

class Workers {
  public:
    Workers() = default;
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;
    virtual ~Workers() = default;

    /// Calls work(0) … work(count − 1), each once, in any order and place; returns when all are done. Allocates
    /// nothing.
    template <class Work>
    void for_each(std::size_t count, Work& work) {
        run(
            count, [](void* context, std::size_t i) { (*static_cast<Work*>(context))(i); }, &work);
    }

  protected:
    using Call = void (*)(void* context, std::size_t i);
    virtual void run(std::size_t count, Call call, void* context) = 0;
};

/// The caller itself.
class NoHelp final : public Workers {
  protected:
    void run(std::size_t count, Call call, void* context) override {
        for (std::size_t i = 0; i < count; ++i)
            call(context, i);
    }
};

}  // namespace kilter::ksuite
