#ifndef COAUTH_SRC_NET_TASK_HPP
#define COAUTH_SRC_NET_TASK_HPP

#include "net/frame_cache.hpp"

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace coauth::net
{

// A coroutine that is awaited once by another, or resumed by its owner. Unlike asio::awaitable, it
// is not destroyed if a wait has no memory to start: it continues with an error.
template <class T>
class [[nodiscard]] task
{
public:
    class promise_type;
    using handle = std::coroutine_handle<promise_type>;

    class promise_type
    {
    public:
        task get_return_object() noexcept { return task(handle::from_promise(*this)); }
        [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
        [[nodiscard]] auto final_suspend() const noexcept { return at_end(); }
        void return_value(T value) { value_.emplace(std::move(value)); }
        void unhandled_exception() noexcept { failure_ = std::current_exception(); }

        static void* operator new(std::size_t size) { return frame_cache::allocate(size); }
        static void operator delete(void* frame, std::size_t size) noexcept
        {
            frame_cache::deallocate(frame, size);
        }

    private:
        friend task;
        struct at_end
        {
            [[nodiscard]] bool await_ready() const noexcept { return false; }
            [[nodiscard]] std::coroutine_handle<> await_suspend(handle ended) const noexcept
            {
                auto& promise = ended.promise();
                if (promise.ended_ != nullptr)
                    *promise.ended_ = true;
                return promise.awaiting_;
            }
            void await_resume() const noexcept {}
        };

        std::coroutine_handle<> awaiting_ = std::noop_coroutine();
        // Set by the present call of `resume`.
        bool* ended_ = nullptr;
        std::optional<T> value_;
        std::exception_ptr failure_;
    };

    task() = default;
    task(task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    task& operator=(task&& other) noexcept
    {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~task()
    {
        if (handle_)
            handle_.destroy();
    }

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept
    {
        handle_.promise().awaiting_ = awaiting;
        return handle_;
    }
    T await_resume() { return take(); }

    // Where to resume it first.
    [[nodiscard]] std::coroutine_handle<> begin() const noexcept { return handle_; }
    // Resumes it where it waits. Returns whether it has ended; if not, another thread may be
    // running it by now.
    bool resume(std::coroutine_handle<> where_it_waits)
    {
        bool ended = false;
        handle_.promise().ended_ = &ended;
        where_it_waits.resume();
        return ended;
    }
    // After its end: returns its result, or rethrows its exception.
    T take()
    {
        auto& promise = handle_.promise();
        if (promise.failure_)
            std::rethrow_exception(promise.failure_);
        return std::move(*promise.value_);
    }

private:
    explicit task(handle of) noexcept : handle_(of) {}

    handle handle_;
};

} // namespace coauth::net

#endif
