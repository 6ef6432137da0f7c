#include "client/resource_discovery.hpp"

#include <coauth/api_challenge.hpp>

#include "client/client_impl.hpp"
#include "client/connect_cancellation_slot.hpp"
#include "client/endpoint_call.hpp"
#include "client/operation.hpp"
#include "values/make_error.hpp"
#include "values/saturating_time.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace coauth::detail
{

namespace asio = boost::asio;

namespace
{

constexpr std::size_t max_issuers = 3;

using resource_metadata_call =
    metadata_call<protocol::resource_metadata, protocol::read_resource_metadata>;

bool is_accepted(std::string const& issuer, std::vector<std::string> const& accepted)
{
    return accepted.empty() ||
           std::find(accepted.begin(), accepted.end(), issuer) != accepted.end();
}

protected_resource make_resource(protocol::resource_metadata document, std::string scope)
{
    protected_resource found;
    found.resource = std::move(document.resource);
    found.name = std::move(document.name);
    found.authorization_servers = std::move(document.authorization_servers);
    found.challenge_scope = std::move(scope);
    found.scopes = std::move(document.scopes);
    found.bearer_methods = std::move(document.bearer_methods);
    found.dpop_algorithms = std::move(document.dpop_algorithms);
    found.dpop_bound_tokens = document.dpop_bound_tokens;
    found.certificate_bound_tokens = document.certificate_bound_tokens;
    return found;
}

error no_accepted_issuer(std::vector<std::string> const& issuers)
{
    std::string names;
    for (auto const& issuer : issuers)
        names.append(names.empty() ? "'" : ", '").append(issuer).append("'");
    return config_error(
        "the API's tokens come from " + names +
        ", none of which is in accepted_issuers; add one for which the program has credentials");
}

} // namespace

// Called on the executor.
template <class T>
struct resource_discovery::step_handler
{
    using cancellation_slot_type = asio::cancellation_slot;

    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept
    {
        return signal->slot();
    }
    void operator()(result<T> outcome) const { owner->on_step(std::move(outcome)); }

    std::shared_ptr<resource_discovery> owner;
    signal_ptr signal;
};

resource_discovery::resource_discovery(
    asio::any_io_executor executor, resource_discovery_options options, handler_type handler)
    : executor_(std::move(executor))
    , options_(std::move(options))
    , deadline_(after(clock::now(), options_.discovery.timeout))
    , handler_(std::move(handler))
{
}

void resource_discovery::start(std::string const& url)
{
    auto const& field = options_.www_authenticate;
    auto const challenge = parse_api_challenge(401, field).value_or(api_challenge());
    found_.challenge_scope = challenge.scope;
    auto urls = protocol::resource_metadata_urls(
        url, options_.expected_resource, challenge.resource_metadata,
        options_.discovery.allow_http_loopback);
    if (!urls)
        return post_failure(urls.error());
    if (auto const valid = protocol::check_timeout(options_.discovery.timeout); !valid)
        return post_failure(valid.error());
    urls_ = std::move(*urls);
    origin_ = protocol::origin_of(url);
    connect_cancellation_slot(asio::get_associated_cancellation_slot(handler_), weak_from_this());
    fetch_next_document();
}

void resource_discovery::abort(errc /*reason*/) noexcept
{
    std::lock_guard const lock(mutex_);
    cancelled_ = true;
    cancel_step();
}

void resource_discovery::cancel_step() const noexcept
{
    try
    {
        if (cancel_step_)
            cancel_step_->emit(asio::cancellation_type::terminal);
    }
    catch (...) // NOLINT(bugprone-empty-catch): without memory, the step comes to its end
    {
    }
}

bool resource_discovery::is_cancelled() const
{
    std::lock_guard const lock(mutex_);
    return cancelled_;
}

// The step may end, and the next one begin, before `begin` returns.
template <class T, class Begin>
void resource_discovery::begin_step(Begin begin)
{
    auto const signal = std::make_shared<asio::cancellation_signal>();
    std::size_t step = 0;
    {
        std::lock_guard const lock(mutex_);
        step = ++step_;
        cancel_step_ = nullptr;
    }
    begin(step_handler<T>{shared_from_this(), signal});
    std::lock_guard const lock(mutex_);
    if (step != step_)
        return;
    cancel_step_ = signal;
    if (cancelled_)
        cancel_step();
}

std::chrono::milliseconds resource_discovery::time_for(std::size_t steps) const
{
    using std::chrono::milliseconds;
    auto const left = std::chrono::ceil<milliseconds>(deadline_ - clock::now());
    return std::max(left / static_cast<std::int64_t>(steps), milliseconds(1));
}

void resource_discovery::fetch_next_document()
{
    auto const& next = urls_[next_url_++];
    // The server's metadata are one more step.
    auto options = options_.discovery;
    // The API chose another origin: what is secret in the fields is not for that.
    if (protocol::origin_of(next.url) != origin_)
        options.headers.clear();
    auto const client = make_metadata_client(
        executor_, options, time_for(urls_.size() - next_url_ + 2), next.url,
        retry_options().max_attempts);
    begin_step<protocol::resource_metadata>(
        [&](auto handler)
        {
            operation::start(
                client,
                std::make_unique<resource_metadata_call>(next.resource, std::move(handler)));
        });
}

void resource_discovery::on_step(document_result document)
{
    advance([&] { return on_document(std::move(document)); });
}

resource_discovery::outcome resource_discovery::on_document(document_result document)
{
    if (is_cancelled())
        return error(errc::cancelled);
    if (!document)
    {
        remember(document.error());
        if (next_url_ == urls_.size())
            return *failure_;
        fetch_next_document();
        return std::nullopt;
    }
    failure_.reset();
    found_ = make_resource(std::move(*document), std::move(found_.challenge_scope));
    for (auto const& issuer : found_.authorization_servers)
        if (issuers_.size() < max_issuers && is_accepted(issuer, options_.accepted_issuers))
            issuers_.push_back(issuer);
    if (issuers_.empty())
        return no_accepted_issuer(found_.authorization_servers);
    discover_next_server();
    return std::nullopt;
}

void resource_discovery::discover_next_server()
{
    auto const& issuer = issuers_[next_issuer_++];
    auto options = options_.discovery;
    // The API chose the server, unless the program accepts it by name.
    if (options_.accepted_issuers.empty())
        options.headers.clear();
    options.timeout = time_for(issuers_.size() - next_issuer_ + 1);
    begin_step<authorization_server>(
        [&](auto handler)
        {
            start_discovery(
                executor_, issuer, options, cache_use::find, nullptr, std::move(handler));
        });
}

void resource_discovery::on_step(metadata_result server)
{
    advance([&] { return on_server(std::move(server)); });
}

resource_discovery::outcome resource_discovery::on_server(metadata_result server)
{
    if (is_cancelled())
        return error(errc::cancelled);
    if (!server)
    {
        remember(server.error());
        if (next_issuer_ == issuers_.size())
            return *failure_;
        discover_next_server();
        return std::nullopt;
    }
    found_.server = std::move(*server);
    return std::move(found_);
}

// The handler is called last: it may throw.
template <class Step>
void resource_discovery::advance(Step step)
{
    outcome ended;
    try
    {
        ended = step();
    }
    catch (...)
    {
        ended = error_of(std::current_exception());
    }
    if (ended)
        finish(std::move(*ended));
}

void resource_discovery::remember(error const& failure)
{
    if (!failure_ || error_rank(failure) > error_rank(*failure_))
        failure_ = failure;
}

void resource_discovery::finish(result<protected_resource> ended)
{
    // The move assignment of any_completion_handler calls itself for ever (until Boost 1.82).
    handler_type handler;
    handler.swap(handler_);
    std::move(handler)(std::move(ended));
}

void resource_discovery::post_failure(error failure)
{
    asio::post(
        executor_, [self = shared_from_this(), failure = std::move(failure)]() mutable
        { self->finish(std::move(failure)); });
}

} // namespace coauth::detail
