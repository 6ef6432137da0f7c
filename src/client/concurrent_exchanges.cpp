#include "client/concurrent_exchanges.hpp"

#include "values/make_error.hpp"

#include <exception>
#include <utility>

namespace coauth::detail
{

concurrent_exchanges::concurrent_exchanges(
    std::shared_ptr<deadline_entry> const& operation, net::operation_context& context,
    deadline_queue& deadlines)
    : operation_(operation)
    , operation_context_(context)
    , deadlines_(deadlines)
{
    for (auto& one : branches_)
    {
        one.both = this;
        one.context.phases = context.phases;
        one.context.owner = std::shared_ptr<net::resumable>(operation, &one);
    }
}

concurrent_exchanges::run_operation
concurrent_exchanges::run(exchange_task first, exchange_task second)
{
    branches_[0].task = std::move(first);
    branches_[1].task = std::move(second);
    return run_operation(*this);
}

bool concurrent_exchanges::start()
{
    // The first may destroy a handler that owns the operation.
    auto const owner = operation_.lock();
    for (auto& one : branches_)
    {
        one.context.waits_at = one.task.begin();
        one.resume();
    }
    return running_.fetch_sub(1) != 1;
}

void concurrent_exchanges::branch::resume()
{
    bool const ended = task.resume(context.waits_at);
    if (ended)
        both->on_ended(*this);
}

void concurrent_exchanges::branch::resume_later() noexcept
{
    if (auto const owner = both->operation_.lock())
        both->deadlines_.resume_later(std::shared_ptr<deadline_entry>(owner, this));
}

void concurrent_exchanges::on_ended(branch& ended)
{
    try
    {
        ended.outcome = ended.task.take();
    }
    catch (...)
    {
        ended.outcome = error_of(std::current_exception());
    }
    int const index = &ended == &branches_.front() ? 0 : 1;
    int expected = no_winner;
    if (ended.outcome->has_value() && winner_.compare_exchange_strong(expected, index))
        branches_[index == 0 ? 1 : 0].context.stop.abort(errc::cancelled);
    // The last one to end has an owner of the operation, and destroys this object.
    if (running_.fetch_sub(1) == 1)
        operation_.lock()->resume();
}

std::optional<std::size_t> concurrent_exchanges::winner() const
{
    int const index = winner_;
    return index == no_winner ? std::nullopt : std::optional(static_cast<std::size_t>(index));
}

concurrent_exchanges::exchange_result concurrent_exchanges::take(std::size_t index)
{
    return std::move(*branches_[index].outcome);
}

void concurrent_exchanges::cancel() noexcept
{
    for (auto& one : branches_)
        one.context.stop.abort(errc::cancelled);
}

} // namespace coauth::detail
