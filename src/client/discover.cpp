#include <coauth/discover.hpp>

#include "client/client_impl.hpp"
#include "client/metadata_cache.hpp"
#include "client/operation.hpp"
#include "values/make_error.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace coauth
{
namespace asio = boost::asio;

namespace detail
{
namespace
{

using clock = std::chrono::steady_clock;
using metadata_result = result<authorization_server>;

// The URLs that may have the metadata, in the order of use: RFC 8414 section 3.1, OpenID Connect
// Discovery section 4, and RFC 8414 as some servers misread it.
result<std::vector<std::string>>
well_known_urls(std::string const& issuer, bool allow_http_loopback)
{
    auto const valid = protocol::parse_endpoint(issuer, "issuer", allow_http_loopback);
    if (!valid)
        return valid.error();
    if (issuer.find('?') != std::string::npos)
        return detail::config_error("issuer contains a query; give the issuer identifier alone");
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

std::shared_ptr<client_impl> make_client(
    asio::any_io_executor const& executor, discovery_options const& options,
    std::chrono::milliseconds timeout, std::string url)
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
    config.retry.max_attempts = 1;
    config.connections.idle_timeout = {};
    return std::make_shared<client_impl>(executor, std::move(config));
}

// The error of the highest rank is reported: unusable metadata before a server error, and that
// before a response that says that there are no metadata.
int error_rank(error const& failure)
{
    if (failure == errc::malformed_response)
        return 3;
    if (failure.http_status() >= 500)
        return 2;
    return failure == errc::redirect_refused ? 1 : 0;
}

// There are no metadata at this URL, or not now, which says nothing of the other URLs. The body
// does not matter: a server responds to an unknown path as it likes.
bool is_not_found_here(error const& failure)
{
    auto const status = failure.http_status();
    bool const later =
        status == 408 || status == 425 || status == 429 || failure == errc::rate_limited;
    return status != 0 && !later && failure != errc::proxy_refused;
}

// Tries one URL after another until the metadata are found.
class discovery : public std::enable_shared_from_this<discovery>
{
public:
    using handler_type = asio::any_completion_handler<discovery_completion_signature>;

    discovery(
        asio::any_io_executor executor, std::string issuer, discovery_options options,
        handler_type handler)
        : executor_(std::move(executor))
        , issuer_(std::move(issuer))
        , options_(std::move(options))
        , handler_(std::move(handler))
    {
    }

    void start()
    {
        if (options_.lifetime.count() < 0)
            return post_completion(detail::config_error(
                "lifetime is " + std::to_string(options_.lifetime.count()) +
                " s; it must not be negative"));
        auto urls = well_known_urls(issuer_, options_.allow_http_loopback);
        if (!urls)
            return post_completion(urls.error());
        if (auto cached = shared_metadata_cache().find(issuer_, options_))
            return post_completion(std::move(*cached));
        urls_ = std::move(*urls);
        connect_cancellation_slot();
        try_next_url();
    }

private:
    // Called by the operation, on the executor.
    struct response_handler
    {
        using cancellation_slot_type = asio::cancellation_slot;

        [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept
        {
            return owner->cancel_operation_.slot();
        }
        void operator()(metadata_result response) const { owner->on_response(std::move(response)); }

        std::shared_ptr<discovery> owner;
    };

    void connect_cancellation_slot()
    {
        auto slot = asio::get_associated_cancellation_slot(handler_);
        if (!slot.is_connected())
            return;
        slot.assign(
            [weak = weak_from_this()](asio::cancellation_type type)
            {
                auto const self = weak.lock();
                if (self && type != asio::cancellation_type::none)
                    self->cancel();
            });
    }

    // From any thread. Ends the present operation and the next one.
    void cancel()
    {
        std::lock_guard const lock(mutex_);
        cancelled_ = true;
        cancel_operation_.emit(asio::cancellation_type::terminal);
    }

    void try_next_url()
    {
        using std::chrono::milliseconds;
        auto time_left = options_.timeout;
        // The first client validates the timeout itself.
        if (next_url_ != 0)
            time_left = std::max(
                time_left - std::chrono::floor<milliseconds>(clock::now() - began_),
                milliseconds(1));
        auto const client = make_client(executor_, options_, time_left, urls_[next_url_]);
        ++next_url_;
        auto call = std::make_unique<metadata_call>(issuer_, response_handler{shared_from_this()});
        std::lock_guard const lock(mutex_);
        operation::start(client, std::move(call));
        if (cancelled_)
            cancel_operation_.emit(asio::cancellation_type::terminal);
    }

    void on_response(metadata_result response)
    {
        try
        {
            if (!response && should_try_next(response.error()))
                return try_next_url();
            if (!response)
                response = *failure_;
            else if (options_.lifetime.count() > 0)
                shared_metadata_cache().store(options_, *response);
        }
        catch (...)
        {
            response = error_of(std::current_exception());
        }
        complete(std::move(response));
    }

    bool should_try_next(error const& failure)
    {
        bool const not_found = is_not_found_here(failure);
        if (!failure_ || !not_found || error_rank(failure) > error_rank(*failure_))
            failure_ = failure;
        return not_found && next_url_ < urls_.size();
    }

    void complete(metadata_result response)
    {
        // Asio 1.26: the move assignment of any_completion_handler calls itself for ever.
        handler_type handler;
        handler.swap(handler_);
        std::move(handler)(std::move(response));
    }

    // Never within the initiating function.
    void post_completion(metadata_result response)
    {
        asio::post(
            executor_, [self = shared_from_this(), response = std::move(response)]() mutable
            { self->complete(std::move(response)); });
    }

    asio::any_io_executor const executor_;
    std::string const issuer_;
    discovery_options const options_;
    handler_type handler_;
    clock::time_point const began_ = clock::now();
    std::vector<std::string> urls_;
    std::size_t next_url_ = 0;
    // The error to report if nothing is found.
    std::optional<error> failure_;

    // Guards the rest.
    std::mutex mutex_;
    bool cancelled_ = false;
    asio::cancellation_signal cancel_operation_;
};

asio::awaitable<metadata_result>
discover(asio::any_io_executor executor, std::string issuer, discovery_options options)
{
    initiate_discover const begin(std::move(executor));
    auto response = co_await asio::async_initiate<
        asio::use_awaitable_t<> const, discovery_completion_signature>(
        begin, asio::use_awaitable, std::move(issuer), std::move(options));
    co_return response;
}

} // namespace

void start_discover(
    asio::any_io_executor const& executor, std::string issuer, discovery_options options,
    asio::any_completion_handler<discovery_completion_signature> handler)
{
    std::make_shared<discovery>(executor, std::move(issuer), std::move(options), std::move(handler))
        ->start();
}

} // namespace detail

asio::awaitable<result<authorization_server>> async_discover(
    asio::any_io_executor executor, detail::text_argument issuer, discovery_options const& options)
{
    return detail::discover(std::move(executor), std::move(issuer), options);
}

asio::awaitable<result<authorization_server>>
async_discover(asio::any_io_executor executor, detail::text_argument issuer)
{
    return detail::discover(std::move(executor), std::move(issuer), discovery_options());
}

} // namespace coauth
