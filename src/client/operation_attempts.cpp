#include <coauth/dpop.hpp>

#include "client/operation.hpp"
#include "protocol/redacted_trace.hpp"
#include "values/make_error.hpp"
#include "values/random_fraction.hpp"
#include "values/saturating_time.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <utility>

// The attempts of an operation: connection, request, response, retry.

namespace coauth::detail
{

namespace asio = boost::asio;
using boost::system::error_code;

namespace
{

class timer_wait final : public net::cancellable
{
public:
    explicit timer_wait(asio::any_io_executor const& executor) : timer(executor) {}
    void cancel() noexcept override { timer.cancel(); }

    asio::steady_timer timer;
};

} // namespace

// Returns true: a task needs a value.
net::task<bool> operation::run()
{
    for (;;)
    {
        begin_attempt();
        auto outcome = co_await attempt();
        read_response(std::move(outcome));
        bool const has_outdated_keys = call_->outdated_keys() != nullptr;
        if (has_outdated_keys)
        {
            bool const replaced = co_await replace_keys();
            if (replaced)
                continue;
        }
        auto const failure = call_->failure();
        if (!failure)
            co_return true;
        error const counted = with_attempt_count(*failure);
        call_->fail(counted);
        auto const delay = next_delay(counted);
        notify_attempt_failed(counted, delay);
        if (!delay)
            co_return true;
        last_failure_ = failure;
        bool const waited = co_await wait_before_retry(*delay);
        if (!waited)
        {
            call_->fail(with_attempt_count(aborted_error("while waiting for the next attempt")));
            co_return true;
        }
    }
}

void operation::begin_attempt()
{
    auto const number = attempts_.begin();
    ++client_->totals.attempts;
    attempt_began_ = clock::now();
    auto const limit = client_->config.retry.attempt_timeout;
    auto const ends =
        limit.count() != 0 ? std::min(after(attempt_began_, limit), deadline_) : deadline_;
    net_.stop.begin_attempt(ends);
    if (limit.count() != 0)
        set_deadline(ends);
    net_.phases.notify([&](observer& to)
                       { to.on_attempt_started({number, net_.phases.context()}); });
}

net::task<operation::exchange_result> operation::attempt()
{
    if (needs_published_keys())
    {
        auto const provided = co_await provide_keys();
        if (!provided)
            co_return provided.error();
    }
    connection_pool::lease lease;
    connection_pool::waiter waiter(*destination_->pool, id_);
    auto const acquired = waiter.acquire(lease);
    if (acquired == connection_pool::acquire_result::queue_full)
        co_return error(errc::queue_full);
    if (acquired == connection_pool::acquire_result::queued)
        lease = co_await wait_in_queue(waiter);
    if (!lease)
        co_return aborted_error("while waiting in the queue for a connection");
    auto outcome = co_await exchange(lease);
    if (outcome)
        destination_->pool->set_response_time(outcome->received_steady - outcome->sent_steady);
    auto const now = outcome ? outcome->received_steady : clock::now();
    if (lease.connection()->reusable() && !is_too_old(*lease.connection(), now))
        std::move(lease).release();
    co_return outcome;
}

bool operation::needs_published_keys() const noexcept
{
    return client_->server_keys && call_->endpoint() == protocol::endpoint_kind::introspection;
}

net::task<result<void>> operation::provide_keys()
{
    auto& keys = *client_->server_keys;
    bool const is_due = keys.is_due(clock::now());
    if (is_due)
    {
        auto const fetched = co_await fetch_keys();
        bool const has_keys = keys.current().has_value();
        if (!fetched && !has_keys)
            co_return fetched.error();
    }
    auto const current = keys.current();
    if (!current)
        co_return current.error();
    call_->use_published_keys(*current);
    co_return result<void>();
}

net::task<result<void>> operation::fetch_keys()
{
    auto const pending = std::make_shared<external_result>(client_->results());
    net::stop_state::scope const scope(net_.stop, *pending);
    auto const initiate = [&](external_result::handler_type handler)
    {
        pending->set_handler(std::move(handler));
        // The operation may end before the request is sent: everything is owned.
        return [pending, keys = client_->server_keys] { keys->fetch(pending); };
    };
    auto const waited =
        co_await net::wait_for<result<std::string>>(net_, initiate, error(errc::out_of_memory));
    auto const& outcome = std::get<0>(waited);
    client_->server_keys->leave(*pending);
    bool const aborted = !outcome && net_.stop.aborted();
    if (aborted)
        co_return aborted_error("while waiting for the keys of the server");
    if (!outcome)
        co_return outcome.error();
    co_return result<void>();
}

net::task<bool> operation::replace_keys()
{
    auto& keys = *client_->server_keys;
    bool const are_in_force = keys.are(*call_->outdated_keys());
    if (!are_in_force)
        co_return true;
    bool const may_fetch = keys.may_fetch_again(clock::now());
    if (!may_fetch)
        co_return false;
    auto const fetched = co_await fetch_keys();
    bool const aborted = !fetched && net_.stop.aborted();
    if (aborted)
        call_->fail(fetched.error());
    co_return fetched.has_value();
}

// An empty lease: the wait was aborted.
net::task<connection_pool::lease> operation::wait_in_queue(connection_pool::waiter& waiter)
{
    net::stop_state::scope const scope(net_.stop, waiter);
    auto const initiate = [&](connection_pool::waiter::handler_type handler)
    { waiter.async_wait(std::move(handler)); };
    auto waited =
        co_await net::wait_for<connection_pool::lease>(net_, initiate, connection_pool::lease());
    co_return std::get<0>(std::move(waited));
}

// Over the reused connection of the lease or a new one; and over a new one if the reused one turns
// out to be closed.
net::task<operation::exchange_result> operation::exchange(connection_pool::lease& lease)
{
    bool reused = lease.connection() != nullptr;
    for (;; reused = false)
    {
        if (!reused)
        {
            lease.replace(destination_->make_connection());
            auto const opened = co_await open_connection(*lease.connection(), net_);
            if (!opened)
                co_return opened.error();
        }
        auto const renewed = co_await renew_request(request_, net_);
        if (!renewed)
            co_return renewed.error();
        auto const now = clock::now();
        bool const shared = lease.pool_is_shared();
        bool const usable = !reused || is_reusable(*lease.connection(), shared, now);
        if (!usable)
            continue;
        if (reused)
        {
            ++client_->totals.connections_reused;
            net_.phases.notify([this](observer& to)
                               { to.on_connection_reused({net_.phases.context()}); });
            set_hedging_deadline(now);
        }
        if (client_->config.debug)
            trace(protocol::redact_request(*request_.text));
        attempts_.on_sent();
        auto outcome = co_await lease.connection()->exchange(request_.text->view(), net_, shared);
        net_.stop.clear_interruption();
        bool const silent = lease.connection()->is_silent();
        if (silent)
            co_return co_await hedge(lease);
        bool const stale = reused && is_stale_connection_failure(*lease.connection(), outcome);
        if (!stale)
            co_return outcome;
    }
}

net::task<result<void>>
operation::open_connection(net::connection& fresh, net::operation_context& op)
{
    auto const began = clock::now();
    auto const opened = co_await fresh.open(op);
    if (!opened)
        co_return opened.error();
    bool const resumed = fresh.resumed();
    ++client_->totals.connections_opened;
    client_->totals.sessions_resumed += resumed ? 1U : 0U;
    op.phases.notify(
        [&](observer& to)
        { to.on_connection_opened({clock::now() - began, resumed, op.phases.context()}); });
    co_return result<void>();
}

net::task<result<void>> operation::renew_request(wire_request& request, net::operation_context& op)
{
    auto const reloaded = reload_single_use_assertion(request);
    if (!reloaded)
        co_return reloaded.error();
    bool const needs_signing = client_->requests().needs_signing(*call_);
    if (!needs_signing)
        co_return result<void>();
    auto const current = request.credentials;
    auto signed_request = co_await client_->requests().sign(*call_, *destination_, current, op);
    bool const aborted = !signed_request && op.stop.aborted();
    if (aborted)
        co_return aborted_error("while waiting for the signer function of the key");
    if (!signed_request)
        co_return signed_request.error();
    request = std::move(*signed_request);
    co_return result<void>();
}

// An assertion that somebody else signed may be valid for one use.
result<void> operation::reload_single_use_assertion(wire_request& request)
{
    bool const single_use =
        client_->config.authentication.type() == authentication_method::client_assertion;
    if (!single_use || !attempts_.credentials_were_sent())
        return {};
    auto const current = client_->credentials().load();
    return current ? make_request(request, *current) : current.error();
}

bool operation::is_reusable(net::connection& idle, bool pool_is_shared, clock::time_point now) const
{
    // A look at the files costs as much as three other system calls.
    constexpr std::chrono::milliseconds look_shared_for{1};
    auto const look_max_age = pool_is_shared ? look_shared_for : clock::duration::zero();
    return !is_too_old(idle, now) && attempts_.may_reuse(now - idle.last_used()) &&
           !idle.has_pending_data() && idle.uses_current_tls(look_max_age, now);
}

bool operation::is_too_old(net::connection const& used, clock::time_point now) const
{
    return after(used.created(), client_->config.connections.max_age) <= now;
}

bool operation::is_stale_connection_failure(
    net::connection const& reused, exchange_result const& outcome) const
{
    if (net_.stop.aborted())
        return false;
    auto const status = outcome ? std::optional<unsigned>(outcome->response.status) : std::nullopt;
    return attempts_.is_stale_connection_failure(status, reused.closed_before_response());
}

void operation::read_response(exchange_result outcome)
{
    if (!outcome)
        return call_->fail(outcome.error());
    auto& response = outcome->response;
    auto const& config = client_->config;
    auto const& authentication = *request_.credentials.authentication;
    if (config.debug)
        trace(protocol::redact_response(response, authentication, request_.text->view()));
    auto const nonce = response.headers.find("DPoP-Nonce");
    if (config.dpop && nonce)
        config.dpop->remember_nonce(destination_->url, *nonce);
    attempts_.on_response(response.status, nonce.has_value());
    client_->on_response(response.status);
    protocol::response_context const context{
        outcome->sent, outcome->sent_steady, std::chrono::system_clock::now(),
        request_.text->view(), &authentication};
    call_->read(config, std::move(response), context);
}

std::optional<std::chrono::nanoseconds> operation::next_delay(error const& failure)
{
    using action = policy::attempts::action;
    if (net_.stop.stopped_permanently())
        return std::nullopt;
    auto next = attempts_.on_failure(
        failure, {std::chrono::system_clock::now(), deadline_ - clock::now(), random_fraction()});
    if (next.action == action::load_credentials)
        next = attempts_.on_credentials_loaded(reload_credentials());
    if (next.action == action::give_up)
        return std::nullopt;
    return next.delay;
}

// True: the request has other credentials now.
bool operation::reload_credentials()
{
    auto const current = client_->credentials().load();
    if (!current || current->version == request_.credentials.version)
        return false;
    return make_request(request_, *current).has_value();
}

net::task<bool> operation::wait_before_retry(std::chrono::nanoseconds delay)
{
    net_.stop.begin_attempt(deadline_);
    if (client_->config.retry.attempt_timeout.count() != 0)
        set_deadline(deadline_);
    timer_wait wait(client_->executor);
    net::stop_state::scope const scope(net_.stop, wait);
    wait.timer.expires_after(delay);
    auto const initiate = [&](net::continuation<error_code> handler)
    { wait.timer.async_wait(std::move(handler)); };
    auto const waited = co_await net::wait_for<error_code>(net_, initiate, asio::error::no_memory);
    co_return !std::get<0>(waited);
}

error operation::aborted_error(std::string const& context) const
{
    error_info info;
    if (last_failure_)
        info = last_failure_->info();
    info.context = context;
    // If nobody aborted it, the wait could not begin.
    return {net_.stop.abort_reason().value_or(errc::out_of_memory), std::move(info)};
}

error operation::with_attempt_count(error const& failure) const
{
    auto info = failure.info();
    info.attempts = attempts_.count();
    // The last attempt alone: with all of them the text would grow with each.
    bool const aborted = failure == errc::timeout || failure == errc::cancelled;
    if (last_failure_ && aborted)
        info.context += "; the attempt before: " + last_failure_->message();
    return {failure.value(), std::move(info)};
}

void operation::notify_attempt_failed(
    error const& failure, std::optional<std::chrono::nanoseconds> delay) const
{
    net_.phases.notify(
        [&](observer& to)
        {
            to.on_attempt_failed(
                {attempts_.count(), clock::now() - attempt_began_, failure, delay,
                 net_.phases.context()});
        });
}

void operation::trace(std::string const& text) const noexcept
{
    try
    {
        client_->config.debug(text);
    }
    catch (...) // NOLINT(bugprone-empty-catch): documented
    {
    }
}

} // namespace coauth::detail
