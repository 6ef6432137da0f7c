// The simplest coroutine type that shows the miscompilations: awaited at once, started by run().
#ifndef COAUTH_TEST_CANARY_AWAITABLE_HPP
#define COAUTH_TEST_CANARY_AWAITABLE_HPP

#include <coroutine>
#include <exception>
#include <string>
#include <utility>

// A text too long for the string's inline buffer, so that a double release is noticed.
inline char const* const long_text = "a text that does not fit into the string object itself";

template <class T>
class awaitable
{
public:
    struct promise_type
    {
        T value{};
        std::coroutine_handle<> waiter;

        awaitable get_return_object()
        {
            return awaitable(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        auto final_suspend() noexcept
        {
            struct resume_waiter
            {
                bool await_ready() noexcept { return false; }
                std::coroutine_handle<>
                await_suspend(std::coroutine_handle<promise_type> h) noexcept
                {
                    if (auto const waiter = h.promise().waiter)
                        return waiter;
                    return std::noop_coroutine();
                }
                void await_resume() noexcept {}
            };
            return resume_waiter{};
        }
        void return_value(T v) { value = std::move(v); }
        [[noreturn]] void unhandled_exception() { std::terminate(); }
    };

    explicit awaitable(std::coroutine_handle<promise_type> h) : frame_(h) {}
    awaitable(awaitable&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    ~awaitable()
    {
        if (frame_)
            frame_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) noexcept
    {
        frame_.promise().waiter = waiter;
        return frame_;
    }
    T await_resume() { return std::move(frame_.promise().value); }

    T run()
    {
        frame_.resume();
        return std::move(frame_.promise().value);
    }

private:
    std::coroutine_handle<promise_type> frame_;
};

#endif
