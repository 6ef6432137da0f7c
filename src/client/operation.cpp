#include "client/operation.hpp"

#include "client/connect_cancellation_slot.hpp"
#include "values/encoding.hpp"
#include "values/make_error.hpp"
#include "values/operation_number.hpp"
#include "values/saturating_time.hpp"

#include <boost/asio/dispatch.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <string_view>
#include <utility>

// The lifetime of an operation: start, resumption, cancellation, completion.

namespace coauth::detail
{

namespace asio = boost::asio;

namespace
{

// Even if the handler throws.
struct timer_cancel_guard
{
    ~timer_cancel_guard() { deadlines->cancel_idle_timer(); }
    std::shared_ptr<deadline_queue> deadlines;
};

event_context context_of(endpoint_call const& call, client_config const& config)
{
    if (!config.observer)
        return {};
    auto const number = call.operation_number();
    return {config.name, {}, number != 0 ? number : next_operation_number()};
}

// Grants whose tokens, codes or tickets servers accept once.
bool is_single_use(std::string_view grant_type)
{
    constexpr std::array<std::string_view, 5> names = {
        "refresh_token", "authorization_code", "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:uma-ticket", "urn:openid:params:grant-type:ciba"};
    return std::find(names.begin(), names.end(), grant_type) != names.end();
}

policy::request_traits traits_of(endpoint_call const& call, client_config const& config)
{
    auto const* const request = call.request();
    auto const* const grant = request != nullptr ? request->grant() : nullptr;
    return {grant != nullptr && is_single_use(grant->type), config.dpop != nullptr};
}

net::phase_timer phase_timer_of(endpoint_call const& call, client_config const& config)
{
    return {config.observer, std::chrono::steady_clock::now(), context_of(call, config)};
}

} // namespace

operation::operation(std::shared_ptr<client_impl> client, std::unique_ptr<endpoint_call> call)
    : client_(std::move(client))
    , call_(std::move(call))
    , attempts_(client_->config.retry, traits_of(*call_, client_->config))
    , net_{{}, phase_timer_of(*call_, client_->config), {}, {}}
    , deadline_(std::min(
          call_->deadline(), after(net_.phases.began(), time_limit(*call_, client_->config))))
    , id_(++client_->last_operation_id)
    , run_(run())
{
}

operation::~operation()
{
    client_->deadlines->remove(*this);
}

std::weak_ptr<deadline_entry>
operation::start(std::shared_ptr<client_impl> client, std::unique_ptr<endpoint_call> call)
{
    auto const self = create(std::move(client), std::move(call));
    self->begin();
    return self;
}

std::shared_ptr<operation>
operation::create(std::shared_ptr<client_impl> client, std::unique_ptr<endpoint_call> call)
{
    auto self = std::make_shared<operation>(std::move(client), std::move(call));
    self->net_.owner = self;
    self->net_.waits_at = self->run_.begin();
    self->client_is_open_ = self->client_->deadlines->add(*self, self->first_deadline());
    return self;
}

void operation::begin() noexcept
{
    initiating_thread_ = std::this_thread::get_id();
    run_to_first_wait();
    initiating_thread_ = std::thread::id();
}

void operation::run_to_first_wait()
{
    auto const prepared = prepare();
    if (!prepared || !client_is_open_)
    {
        call_->fail(prepared ? error(errc::cancelled) : prepared.error());
        return finish();
    }
    try
    {
        asio::dispatch(
            client_->executor,
            [self = std::static_pointer_cast<operation>(shared_from_this())] { self->resume(); });
    }
    catch (...)
    {
        resume_later();
    }
}

result<void> operation::prepare() noexcept
try
{
    // If they cannot be loaded, the next ones have another version.
    request_.credentials.version = client_->credentials_version();
    auto const found = client_->find_destination(call_->endpoint());
    if (!found)
        return found.error();
    destination_ = *found;
    net_.phases.set_endpoint(without_query(destination_->url));
    auto const current = client_->credentials().load();
    if (!current)
        return current.error();
    if (auto const created = make_request(request_, *current); !created)
        return created.error();
    connect_cancellation_slot(call_->slot(), weak_from_this());
    return {};
}
catch (...)
{
    return error_of(std::current_exception());
}

result<void> operation::make_request(wire_request& request, credentials const& current)
{
    auto created = client_->requests().make(*call_, *destination_, current);
    if (!created)
        return created.error();
    request = std::move(*created);
    return {};
}

// The first that may be needed, so that the timer is not set twice.
operation::clock::time_point operation::first_deadline() const
{
    auto const option = client_->config.connections.hedging_delay;
    if (!attempts_.may_hedge() || option == std::chrono::milliseconds::max())
        return deadline_;
    auto const began = net_.phases.began();
    return std::min(after(began, option), after(began, between(began, deadline_) / 2));
}

void operation::resume()
{
    if (finished_)
        return complete();
    bool const ended = run_.resume(net_.waits_at);
    if (!ended)
        return;
    try
    {
        (void)run_.take();
    }
    catch (...)
    {
        call_->fail(error_of(std::current_exception()));
    }
    finish();
}

void operation::resume_later() noexcept
{
    client_->deadlines->resume_later(shared_from_this());
}

void operation::abort(errc reason) noexcept
{
    net_.stop.abort(reason);
}

void operation::on_deadline(clock::time_point now) noexcept
{
    if (now >= deadline_)
        return net_.stop.abort(errc::timeout);
    net_.stop.abort_attempt(errc::timeout, now);
    net_.stop.interrupt(now);
    set_deadline_at_latest(std::min(deadline_, net_.stop.next_event(now)));
}

// Aborts the operation if the client is closed.
void operation::set_deadline(clock::time_point deadline)
{
    if (!client_->deadlines->set(*this, deadline))
        net_.stop.abort(errc::cancelled);
}

void operation::set_deadline_at_latest(clock::time_point deadline) noexcept
{
    if (!client_->deadlines->set_at_latest(*this, deadline))
        net_.stop.abort(errc::cancelled);
}

void operation::finish()
{
    finished_ = true;
    if (call_->request() != nullptr)
    {
        bool const succeeded = !call_->failure();
        ++(succeeded ? client_->totals.tokens : client_->totals.failures);
        if (succeeded)
            net_.phases.notify(
                [&](observer& to)
                {
                    to.on_token_received(
                        {clock::now() - net_.phases.began(), attempts_.count(),
                         net_.phases.context()});
                });
    }
    // Never within the initiating function.
    if (initiating_thread_.load() == std::this_thread::get_id())
        resume_later();
    else
        complete();
}

void operation::complete()
{
    client_->deadlines->remove(*this);
    timer_cancel_guard const guard{client_->deadlines};
    call_->set_credentials_version(request_.credentials.version);
    call_->complete();
}

} // namespace coauth::detail
