#include "client/concurrent_exchanges.hpp"
#include "client/operation.hpp"
#include "policy/hedging.hpp"
#include "protocol/redacted_trace.hpp"
#include "values/saturating_time.hpp"

#include <algorithm>
#include <utility>

// A second connection beside a silent one.

namespace coauth::detail
{

void operation::set_hedging_deadline(clock::time_point now)
{
    if (!attempts_.may_hedge())
        return;
    auto const ends = std::min(deadline_, net_.stop.next_event(now));
    auto const delay = policy::hedging_delay(
        client_->config.connections.hedging_delay, destination_->pool->response_time(), ends - now);
    if (!delay)
        return;
    net_.stop.set_interruption(after(now, *delay));
    set_deadline_at_latest(after(now, *delay));
}

// The reused connection of the lease is silent. Sends the request on a new one too; the first
// response counts.
net::task<operation::exchange_result> operation::hedge(connection_pool::lease& lease)
{
    auto& pool = *destination_->pool;
    auto& silent = *lease.connection();
    auto const silence = clock::now() - silent.sent();
    ++client_->totals.hedged_requests;
    net_.phases.notify([&](observer& to)
                       { to.on_request_hedged({silence, net_.phases.context()}); });
    pool.close_idle_since_before(silent.sent());
    auto fresh = destination_->make_connection();
    wire_request second_request = request_;
    concurrent_exchanges both(shared_from_this(), net_, *client_->deadlines);
    auto first = silent.resume_exchange(both.context(0));
    auto second = exchange_on_new_connection(*fresh, second_request, both.context(1));
    {
        net::stop_state::scope const covered(net_.stop, both);
        bool const aborted = net_.stop.aborted();
        if (aborted)
            both.cancel();
        co_await both.run(std::move(first), std::move(second));
    }
    auto const winner = both.winner();
    bool const second_won = winner == 1U;
    if (second_won)
    {
        request_ = std::move(second_request);
        lease.replace(std::move(fresh));
    }
    else
        pool.close(std::move(fresh));
    bool const aborted = !winner && net_.stop.aborted();
    if (aborted)
        co_return aborted_error(
            "while waiting for " + silent.peer() +
            ", which was silent on a reused connection; a new one was tried too");
    auto outcome = both.take(winner.value_or(1));
    co_return outcome;
}

net::task<operation::exchange_result> operation::exchange_on_new_connection(
    net::connection& fresh, wire_request& request, net::operation_context& op)
{
    auto const opened = co_await open_connection(fresh, op);
    if (!opened)
        co_return opened.error();
    auto const renewed = co_await renew_request(request, op);
    if (!renewed)
        co_return renewed.error();
    if (client_->config.debug)
        trace(protocol::redact_request(*request.text));
    auto outcome = co_await fresh.exchange(request.text->view(), op);
    co_return outcome;
}

} // namespace coauth::detail
