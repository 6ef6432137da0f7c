#include "client/discovery.hpp"

#include "client/metadata_cache.hpp"
#include "client/operation.hpp"
#include "policy/retry.hpp"
#include "values/make_error.hpp"
#include "values/random_fraction.hpp"
#include "values/same_trust.hpp"
#include "values/saturating_time.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace coauth::detail
{

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;
using boost::system::error_code;

namespace
{

// A URL that is silent for so long is given up while there is another one.
constexpr std::chrono::milliseconds max_silence{3000};

// This URL has no metadata, or does not respond, which says nothing of the other URLs. The body
// does not matter: a server responds to an unknown path as it likes. What failed before the request
// was sent would fail for the other URLs too: they have the same origin.
bool is_not_found_here(error const& failure)
{
    switch (failure.value())
    {
    case errc::timeout:
    case errc::connection_lost:
    case errc::incomplete_response:
    case errc::malformed_http:
        return true;
    case errc::proxy_refused:
    case errc::cancelled:
        return false;
    default:
        return failure.http_status() != 0;
    }
}

bool is_same_tls(tls_options const& a, tls_options const& b)
{
    return is_same_trust(a, b) && a.certificate_file == b.certificate_file &&
           a.certificate_pem == b.certificate_pem && a.key_file == b.key_file &&
           a.key_pem == b.key_pem && a.key_uri == b.key_uri && a.groups == b.groups &&
           a.session_resumption == b.session_resumption && !a.key_passphrase && !b.key_passphrase;
}

// Calls share a discovery if they would send the same requests, as often and for as long. Functions
// cannot be compared.
bool is_same(discovery_options const& a, discovery_options const& b)
{
    return is_same_tls(a.tls, b.tls) && a.proxy.url == b.proxy.url &&
           a.proxy.user == b.proxy.user && a.proxy.password == b.proxy.password &&
           a.proxy.from_environment == b.proxy.from_environment && a.timeout == b.timeout &&
           a.lifetime == b.lifetime && a.expected_issuer == b.expected_issuer &&
           a.allow_http_loopback == b.allow_http_loopback && a.user_agent == b.user_agent &&
           a.headers == b.headers && !a.debug && !b.debug;
}

bool is_same_context(asio::any_io_executor const& a, asio::any_io_executor const& b)
{
    return &asio::query(a, asio::execution::context) == &asio::query(b, asio::execution::context);
}

// Without memory for the post, a handler that is called on the wrong executor is better than one
// that is never called.
void post_or_complete(discovery_call& call, metadata_result const& outcome)
{
    try
    {
        call.post_completion(outcome);
    }
    catch (...)
    {
        call.complete(outcome);
    }
}

} // namespace

int error_rank(error const& failure)
{
    if (failure == errc::malformed_response)
        return 3;
    if (failure.transient())
        return 2;
    return failure == errc::redirect_refused ? 1 : 0;
}

discovery_options discovery_options_of(client_config const& config)
{
    discovery_options options;
    options.tls = config.tls;
    options.proxy = config.proxy;
    options.timeout = config.timeout;
    options.expected_issuer = config.expected_issuer;
    options.allow_http_loopback = config.allow_http_loopback;
    options.user_agent = config.user_agent;
    options.debug = config.debug;
    options.headers = config.headers;
    return options;
}

std::shared_ptr<client_impl> make_metadata_client(
    asio::any_io_executor const& executor, discovery_options const& options,
    std::chrono::milliseconds timeout, std::string url, unsigned max_attempts)
{
    client_config config;
    config.server.token_endpoint = std::move(url);
    config.authentication = client_authentication::none("discovery");
    config.tls = options.tls;
    config.proxy = options.proxy;
    config.timeout = timeout;
    config.allow_http_loopback = options.allow_http_loopback;
    config.user_agent = options.user_agent;
    config.debug = options.debug;
    config.headers = options.headers;
    config.retry.max_attempts = max_attempts;
    config.connections.idle_timeout = {};
    return std::make_shared<client_impl>(executor, std::move(config));
}

// RFC 8414 section 3.1, OpenID Connect Discovery section 4, and RFC 8414 as some servers misread
// it.
result<std::vector<std::string>>
well_known_urls(std::string const& issuer, bool allow_http_loopback)
{
    auto const valid = protocol::parse_endpoint(issuer, "issuer", allow_http_loopback);
    if (!valid)
        return valid.error();
    if (issuer.find('?') != std::string::npos)
        return config_error("issuer contains a query; give the issuer identifier alone");
    auto const well_known = issuer.find("/.well-known/");
    if (well_known != std::string::npos)
        return config_error(
            "issuer is the URL of the metadata; did you mean '" + issuer.substr(0, well_known) +
            "'?");
    auto const host = issuer.find("://") + 3;
    auto const slash = issuer.find('/', host);
    auto const origin = issuer.substr(0, slash);
    auto path = slash == std::string::npos ? std::string() : issuer.substr(slash);
    if (path.ends_with('/'))
        path.pop_back();
    std::string const oauth = "/.well-known/oauth-authorization-server";
    std::vector<std::string> urls = {
        origin + oauth + path, origin + path + "/.well-known/openid-configuration"};
    if (!path.empty())
        urls.push_back(origin + path + oauth);
    return urls;
}

discovery_call::discovery_call(
    asio::any_io_executor run_on, std::chrono::milliseconds timeout, handler_type handler)
    : executor(std::move(run_on))
    , deadline(after(clock::now(), timeout))
    , handler_(std::move(handler))
{
}

void discovery_call::connect_cancellation_slot(std::shared_ptr<discovery> const& owner)
{
    auto slot = asio::get_associated_cancellation_slot(handler_);
    if (!slot.is_connected())
        return;
    slot.assign(
        [weak = weak_from_this(), weak_owner = std::weak_ptr(owner)](asio::cancellation_type type)
        {
            auto const self = weak.lock();
            auto const shared = weak_owner.lock();
            if (self && shared && type != asio::cancellation_type::none)
                shared->cancel(*self);
        });
}

void discovery_call::complete(metadata_result outcome)
{
    // The move assignment of any_completion_handler calls itself for ever (until Boost 1.82).
    handler_type handler;
    handler.swap(handler_);
    std::move(handler)(std::move(outcome));
}

void discovery_call::post_completion(metadata_result outcome)
{
    asio::post(
        executor, [self = shared_from_this(), outcome = std::move(outcome)]() mutable
        { self->complete(std::move(outcome)); });
}

// Called by the operation, on the executor.
struct discovery::response_handler
{
    using cancellation_slot_type = asio::cancellation_slot;

    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept
    {
        return owner->cancel_operation_.slot();
    }
    void operator()(metadata_result response) const { owner->on_response(std::move(response)); }

    std::shared_ptr<discovery> owner;
};

// Has memory of its own, so that it is called even if nothing can be allocated any more.
class discovery::timer_handler
{
public:
    using allocator_type = net::reserved_allocator<std::byte>;

    explicit timer_handler(std::shared_ptr<discovery> owner)
        : owner_(std::move(owner))
        , allocator_(owner_->timer_memory_)
    {
    }
    [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_; }
    void operator()(error_code) { owner_->begin_round(); }

private:
    std::shared_ptr<discovery> owner_;
    allocator_type allocator_;
};

discovery::discovery(
    asio::any_io_executor executor, std::string issuer, discovery_options options,
    std::vector<std::string> urls, void const* owner)
    : executor_(std::move(executor))
    , issuer_(std::move(issuer))
    , options_(std::move(options))
    , urls_(std::move(urls))
    , owner_(owner)
    , timer_memory_(std::make_shared<net::reserved_memory>())
    , timer_(executor_)
{
}

bool discovery::try_add(
    std::shared_ptr<discovery_call> const& call, std::string const& issuer,
    discovery_options const& options, void const* owner)
{
    std::lock_guard const lock(mutex_);
    bool const is_first = calls_.empty();
    bool const has_options = owner_ != nullptr ? owner_ == owner : is_same(options_, options);
    bool const shares =
        issuer_ == issuer && has_options && is_same_context(executor_, call->executor);
    if (finished_ || cancelled_ || (!is_first && !shares))
        return false;
    calls_.push_back(call);
    if (is_first)
        deadline_ = call->deadline;
    return true;
}

void discovery::begin()
{
    try
    {
        try_next_url();
    }
    catch (...)
    {
        // Other threads may have added calls meanwhile.
        auto const calls = take_calls(error(errc::out_of_memory));
        for (std::size_t i = 1; i < calls.size(); ++i)
            post_or_complete(*calls[i], error_of(std::current_exception()));
        throw;
    }
}

void discovery::begin_round()
{
    next_url_ = 0;
    failure_.reset();
    transient_failure_.reset();
    bool cancelled = false;
    {
        std::lock_guard const lock(mutex_);
        cancelled = cancelled_;
    }
    if (cancelled)
        return finish(error(errc::cancelled));
    try
    {
        try_next_url();
    }
    catch (...)
    {
        finish(error_of(std::current_exception()));
    }
}

void discovery::try_next_url()
{
    using std::chrono::milliseconds;
    auto timeout = options_.timeout;
    bool const is_first = rounds_ == 0 && next_url_ == 0;
    // The first client validates the timeout itself.
    bool const is_valid = timeout.count() > 0 && timeout <= std::chrono::hours(1);
    auto const urls_left = urls_.size() - next_url_;
    if (!is_first || is_valid)
        timeout =
            std::max(std::chrono::ceil<milliseconds>(deadline_ - clock::now()), milliseconds(1));
    if (is_valid && urls_left > 1)
        timeout =
            std::max(std::min(timeout / static_cast<int>(urls_left), max_silence), milliseconds(1));
    rounds_ += next_url_ == 0 ? 1U : 0U;
    auto const client = make_metadata_client(executor_, options_, timeout, urls_[next_url_], 1);
    ++next_url_;
    auto call = std::make_unique<issuer_metadata_call>(
        options_.expected_issuer.empty() ? issuer_ : options_.expected_issuer,
        response_handler{shared_from_this()});
    std::lock_guard const lock(mutex_);
    operation::start(client, std::move(call));
    if (cancelled_)
        cancel_operation_.emit(asio::cancellation_type::terminal);
}

void discovery::on_response(metadata_result response)
{
    try
    {
        if (!response && should_try_next(response.error()))
            return try_next_url();
        if (!response)
        {
            if (auto const delay = next_delay())
                return wait_for_next_round(*delay);
            response = *failure_;
        }
        else if (options_.lifetime.count() > 0)
            shared_metadata_cache().store(issuer_, options_, *response);
    }
    catch (...)
    {
        response = error_of(std::current_exception());
    }
    finish(std::move(response));
}

bool discovery::should_try_next(error const& failure)
{
    bool const timed_out = failure == errc::timeout && is_over(deadline_);
    bool const not_found = !timed_out && is_not_found_here(failure);
    if (!failure_ || !not_found || error_rank(failure) > error_rank(*failure_))
        failure_ = failure;
    if (timed_out || failure == errc::cancelled)
        transient_failure_.reset();
    else if (policy::is_retryable(failure))
        transient_failure_ = failure;
    return not_found && next_url_ < urls_.size();
}

std::optional<std::chrono::nanoseconds> discovery::next_delay() const
{
    if (!transient_failure_)
        return std::nullopt;
    return policy::retry_delay(
        *transient_failure_, retry_options(), rounds_,
        {std::chrono::system_clock::now(), deadline_ - clock::now(), random_fraction()});
}

void discovery::wait_for_next_round(std::chrono::nanoseconds delay)
{
    std::lock_guard const lock(mutex_);
    timer_.expires_after(delay);
    timer_.async_wait(timer_handler(shared_from_this()));
    if (cancelled_)
        timer_.cancel();
}

void discovery::cancel(discovery_call& call)
{
    std::lock_guard const lock(mutex_);
    auto const found = std::find_if(
        calls_.begin(), calls_.end(), [&](auto const& one) { return one.get() == &call; });
    if (found == calls_.end())
        return;
    if (calls_.size() == 1)
    {
        // The last one: it completes when the operation has ended.
        cancelled_ = true;
        cancel_operation_.emit(asio::cancellation_type::terminal);
        timer_.cancel();
        return;
    }
    // Without memory it stays, and completes with the others.
    call.post_completion(error(errc::cancelled));
    calls_.erase(found);
}

std::vector<std::shared_ptr<discovery_call>> discovery::take_calls(metadata_result const& outcome)
{
    std::lock_guard const lock(mutex_);
    bool const only_expired = !outcome && outcome.error() == errc::timeout && !cancelled_;
    std::vector<std::shared_ptr<discovery_call>> taken;
    std::vector<std::shared_ptr<discovery_call>> others;
    // What may throw comes first.
    taken.reserve(calls_.size());
    others.reserve(calls_.size());
    for (auto& call : calls_)
        (!only_expired || is_over(call->deadline) ? taken : others).push_back(std::move(call));
    calls_ = std::move(others);
    if (calls_.empty())
        finished_ = true;
    else
        deadline_ = calls_.front()->deadline;
    return taken;
}

bool discovery::is_over(clock::time_point deadline) const
{
    return deadline <= clock::now();
}

void discovery::finish(metadata_result outcome)
{
    auto const calls = take_calls(outcome);
    bool const goes_on = !finished_;
    // One handler is called here, last: it may throw.
    std::shared_ptr<discovery_call> last;
    for (auto const& call : calls)
    {
        if (!last && call->executor == executor_)
            last = call;
        else
            post_or_complete(*call, outcome);
    }
    if (goes_on)
    {
        rounds_ = 0;
        begin_round();
    }
    if (last)
        last->complete(std::move(outcome));
}

void discovery_registry::start(
    std::shared_ptr<discovery_call> const& call, std::string const& issuer,
    discovery_options const& options, std::vector<std::string> urls, cache_use cache,
    void const* owner)
{
    std::shared_ptr<discovery> started;
    // Destroyed without the lock: they may be the last owners.
    std::vector<std::shared_ptr<discovery>> running;
    {
        std::lock_guard const lock(mutex_);
        std::erase_if(running_, [](auto const& one) { return one.expired(); });
        for (auto const& one : running_)
        {
            auto const& shared = running.emplace_back(one.lock());
            if (shared && shared->try_add(call, issuer, options, owner))
                return call->connect_cancellation_slot(shared);
        }
        // Under the lock: a discovery stores its metadata before it finishes.
        if (cache == cache_use::find)
            if (auto cached = shared_metadata_cache().find(issuer, options))
                return call->post_completion(std::move(*cached));
        started =
            std::make_shared<discovery>(call->executor, issuer, options, std::move(urls), owner);
        running_.push_back(started);
        (void)started->try_add(call, issuer, options, owner);
        call->connect_cancellation_slot(started);
    }
    started->begin();
}

discovery_registry& shared_discoveries()
{
    static discovery_registry registry;
    return registry;
}

} // namespace coauth::detail
