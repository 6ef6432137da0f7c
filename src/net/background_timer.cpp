#include "net/background_timer.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <utility>
#include <variant>

namespace coauth::net
{

namespace asio = boost::asio;

namespace
{

// Runs handlers at once, in the context's own thread. Unlike the context's executor, it does not
// count a waiting handler as work.
class uncounted_executor
{
public:
    explicit uncounted_executor(asio::execution_context& context) noexcept : context_(&context) {}

    [[nodiscard]] asio::execution_context& query(asio::execution::context_t) const noexcept
    {
        return *context_;
    }
    template <class Function>
    void execute(Function&& function) const
    {
        std::forward<Function>(function)();
    }
    [[maybe_unused]] friend bool
    operator==(uncounted_executor const& a, uncounted_executor const& b) noexcept
    {
        return a.context_ == b.context_;
    }

private:
    asio::execution_context* context_;
};

using clock = std::chrono::steady_clock;

using io_executor = asio::io_context::executor_type;
using pool_executor = asio::thread_pool::executor_type;
using counted_executor = std::variant<std::monostate, io_executor, pool_executor>;

// The inner executor, if its type is known.
counted_executor find_counted(asio::any_io_executor const& of)
{
    if (auto const* const io = of.target<io_executor>())
        return *io;
    if (auto const* const pool = of.target<pool_executor>())
        return *pool;
    if (auto const* const io_strand = of.target<asio::strand<io_executor>>())
        return io_strand->get_inner_executor();
    if (auto const* const pool_strand = of.target<asio::strand<pool_executor>>())
        return pool_strand->get_inner_executor();
    if (auto const* const strand = of.target<asio::strand<asio::any_io_executor>>())
        return find_counted(strand->get_inner_executor());
    return {};
}

} // namespace

class background_timer::impl
{
public:
    explicit impl(asio::any_io_executor const& executor)
        : counted_(find_counted(executor))
        , timer_(uncounted_executor(asio::query(executor, asio::execution::context)))
    {
    }

    void start(clock::time_point when, std::function<void()> call)
    {
        if (auto const* const io = std::get_if<io_executor>(&counted_))
            wait(*io, when, std::move(call));
        else if (auto const* const pool = std::get_if<pool_executor>(&counted_))
            wait(*pool, when, std::move(call));
    }

private:
    // The context counts a wait as work until its handler has returned. This removes the count, and
    // the handler restores it.
    template <class Executor>
    void wait(Executor const& counted, clock::time_point when, std::function<void()> call)
    {
        timer_.expires_at(when);
        timer_.async_wait(
            [counted, call = std::move(call)](boost::system::error_code ec)
            {
                counted.on_work_started();
                if (!ec)
                    call();
            });
        counted.on_work_finished();
    }

    counted_executor const counted_;
    asio::basic_waitable_timer<clock, asio::wait_traits<clock>, uncounted_executor> timer_;
};

background_timer::background_timer(asio::any_io_executor const& executor)
    : impl_(std::make_unique<impl>(executor))
{
}

background_timer::~background_timer() = default;

void background_timer::start(clock::time_point when, std::function<void()> call)
{
    impl_->start(when, std::move(call));
}

} // namespace coauth::net
