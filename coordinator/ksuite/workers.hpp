/// Who does the blocks of a step: this folder knows of no threads, its host may lend it some.
#pragma once

#include <cstddef>
#include <type_traits>

namespace kilter::ksuite {

class Workers {
  public:
    Workers() = default;
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;
    virtual ~Workers() = default;

    /// How many there are, at least one.
    [[nodiscard]] virtual std::size_t count() const = 0;

    /// Calls work(0) … work(count − 1), each once, in any order and place; returns when all are done. Allocates
    /// nothing. Work that takes two numbers is told its worker < count() first: no two calls at a time have the same.
    template <class Work>
    void for_each(std::size_t count, Work& work) {
        run(
            count,
            [](void* context, std::size_t worker, std::size_t i) {
                if constexpr (std::is_invocable_v<Work&, std::size_t, std::size_t>)
                    (*static_cast<Work*>(context))(worker, i);
                else
                    (*static_cast<Work*>(context))(i);
            },
            &work);
    }

  protected:
    using Call = void (*)(void* context, std::size_t worker, std::size_t i);
    virtual void run(std::size_t count, Call call, void* context) = 0;
};

/// The caller itself.
class NoHelp final : public Workers {
  public:
    [[nodiscard]] std::size_t count() const override { return 1; }

  protected:
    void run(std::size_t count, Call call, void* context) override {
        for (std::size_t i = 0; i < count; ++i)
            call(context, 0, i);
    }
};

}  // namespace kilter::ksuite
