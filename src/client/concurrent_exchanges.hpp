#ifndef COAUTH_SRC_CLIENT_CONCURRENT_EXCHANGES_HPP
#define COAUTH_SRC_CLIENT_CONCURRENT_EXCHANGES_HPP

#include "client/deadline_queue.hpp"
#include "net/connection.hpp"
#include "net/task.hpp"
#include "net/wait.hpp"

#include <array>
#include <atomic>
#include <coroutine>
#include <memory>
#include <optional>

namespace coauth::detail
{

// Two exchanges of one operation that run at the same time, possibly in two threads. The first that
// succeeds aborts the other.
//
// A part of its operation, which is resumed when both have ended.
class concurrent_exchanges final : public net::cancellable
{
public:
    using exchange_result = result<net::exchange_outcome>;
    using exchange_task = net::task<exchange_result>;

    concurrent_exchanges(
        std::shared_ptr<deadline_entry> const& operation, net::operation_context& context,
        deadline_queue& deadlines);
    concurrent_exchanges(concurrent_exchanges const&) = delete;
    concurrent_exchanges& operator=(concurrent_exchanges const&) = delete;

    // The context of the exchange with this index.
    [[nodiscard]] net::operation_context& context(std::size_t index)
    {
        return branches_[index].context;
    }

    // To be awaited once, by the operation.
    class run_operation
    {
    public:
        explicit run_operation(concurrent_exchanges& both) : both_(both) {}
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        bool await_suspend(std::coroutine_handle<> here)
        {
            both_.operation_context_.waits_at = here;
            return both_.start();
        }
        void await_resume() const noexcept {}

    private:
        concurrent_exchanges& both_;
    };
    run_operation run(exchange_task first, exchange_task second);

    // After the end: the index of the first that succeeded.
    [[nodiscard]] std::optional<std::size_t> winner() const;
    [[nodiscard]] exchange_result take(std::size_t index);

    // Aborts both.
    void cancel() noexcept override;

private:
    // One exchange. Never in the queue of deadlines: those of its operation apply.
    class branch final : public deadline_entry
    {
    public:
        void resume() override;
        void resume_later() noexcept override;
        void on_deadline(clock::time_point) noexcept override {}
        void abort(errc reason) noexcept override { context.stop.abort(reason); }

        concurrent_exchanges* both = nullptr;
        net::operation_context context{{}, net::phase_timer({}, {}), {}, {}};
        exchange_task task;
        std::optional<exchange_result> outcome;
    };

    static constexpr int no_winner = -1;

    // False: both have ended within this call.
    bool start();
    void on_ended(branch& ended);

    std::weak_ptr<deadline_entry> const operation_;
    net::operation_context& operation_context_;
    deadline_queue& deadlines_;
    std::array<branch, 2> branches_;
    std::atomic<int> winner_{no_winner};
    // The branches, and `start`.
    std::atomic<int> running_{3};
};

} // namespace coauth::detail

#endif
