#include <coauth/discover.hpp>

#include "client/client_impl.hpp"
#include "client/endpoint_call.hpp"
#include "values/make_error.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <list>
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
using found = result<authorization_server>;

// What was found lately, for the process. What was accepted then is part of the key: another trust
// store could have accepted another server.
class metadata_cache
{
public:
    std::optional<authorization_server>
    find(std::string const& issuer, discovery_options const& options)
    {
        std::lock_guard const lock(mutex_);
        for (auto i = entries_.begin(); i != entries_.end(); ++i)
        {
            if (i->issuer != issuer || !i->is_for(options))
                continue;
            // In seconds: more of them than a clock has may have been given.
            auto const age = std::chrono::floor<std::chrono::seconds>(clock::now() - i->fetched);
            if (age >= options.lifetime)
                return std::nullopt;
            entries_.splice(entries_.begin(), entries_, i);
            return i->server;
        }
        return std::nullopt;
    }

    void keep(discovery_options const& options, authorization_server const& server)
    {
        std::lock_guard const lock(mutex_);
        entries_.remove_if([&](entry const& one)
                           { return one.issuer == server.issuer && one.is_for(options); });
        entries_.push_front(
            {server.issuer, options.tls, options.allow_http_loopback, server, clock::now()});
        if (entries_.size() > capacity)
            entries_.pop_back();
    }

private:
    static constexpr std::size_t capacity = 256;

    struct entry
    {
        std::string issuer;
        tls_options tls;
        bool http_loopback;
        authorization_server server;
        clock::time_point fetched;

        [[nodiscard]] bool is_for(discovery_options const& options) const
        {
            auto const& wanted = options.tls;
            return http_loopback == options.allow_http_loopback && tls.ca_file == wanted.ca_file &&
                   tls.ca_pem == wanted.ca_pem && tls.crl_pem == wanted.crl_pem &&
                   tls.system_trust_store == wanted.system_trust_store;
        }
    };

    std::mutex mutex_;
    // The latest used first.
    std::list<entry> entries_;
};

metadata_cache& cache()
{
    static metadata_cache one;
    return one;
}

// Where the metadata may be, in the order of asking: RFC 8414 section 3.1, OpenID Connect Discovery
// section 4, and what some servers make of the former.
result<std::vector<std::string>>
find_well_known(std::string const& issuer, bool allow_http_loopback)
{
    auto const good = protocol::parse_endpoint(issuer, "issuer", allow_http_loopback);
    if (!good)
        return good.error();
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

std::shared_ptr<client_impl> make_core(
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

// How much a failure says of the server: metadata that cannot be used, more than that it fails, and
// that more than that there are none.
int weight(error const& why)
{
    if (why == errc::malformed_response)
        return 3;
    if (why.http_status() >= 500)
        return 2;
    return why == errc::redirect_refused ? 1 : 0;
}

// There are none here, or none now, which says nothing of elsewhere. What the body says is of no
// matter: who does not know the path responses as it likes.
bool may_be_elsewhere(error const& why)
{
    auto const status = why.http_status();
    bool const later = status == 408 || status == 425 || status == 429 || why == errc::rate_limited;
    return status != 0 && !later && why != errc::proxy_refused;
}

// Asks at one place after another, until the metadata are found.
class discovery : public std::enable_shared_from_this<discovery>
{
public:
    using handler = asio::any_completion_handler<discovery_completion_signature>;

    discovery(
        asio::any_io_executor executor, std::string issuer, discovery_options options, handler done)
        : executor_(std::move(executor))
        , issuer_(std::move(issuer))
        , options_(std::move(options))
        , done_(std::move(done))
    {
    }

    void start()
    {
        if (options_.lifetime.count() < 0)
            return post_completion(detail::config_error(
                "lifetime is " + std::to_string(options_.lifetime.count()) +
                " s; it must not be negative"));
        auto where = find_well_known(issuer_, options_.allow_http_loopback);
        if (!where)
            return post_completion(where.error());
        if (auto known = cache().find(issuer_, options_))
            return post_completion(std::move(*known));
        urls_ = std::move(*where);
        connect_cancellation_slot();
        ask();
    }

private:
    // What the endpoint_call calls, on the executor.
    struct next
    {
        using cancellation_slot_type = asio::cancellation_slot;

        [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept
        {
            return of->stop_.slot();
        }
        void operator()(found response) const { of->go_on(std::move(response)); }

        std::shared_ptr<discovery> of;
    };

    void connect_cancellation_slot()
    {
        auto slot = asio::get_associated_cancellation_slot(done_);
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

    // From any thread; what is asked next knows of it.
    void cancel()
    {
        std::lock_guard const lock(mutex_);
        cancelled_ = true;
        stop_.emit(asio::cancellation_type::terminal);
    }

    void ask()
    {
        using std::chrono::milliseconds;
        auto left = options_.timeout;
        // By the first asking it was found to be within its bounds.
        if (asked_ != 0)
            left = std::max(
                left - std::chrono::floor<milliseconds>(clock::now() - began_), milliseconds(1));
        auto const core = make_core(executor_, options_, left, urls_[asked_]);
        ++asked_;
        auto what = std::make_unique<metadata_call>(issuer_, next{shared_from_this()});
        std::lock_guard const lock(mutex_);
        core->start(std::move(what));
        if (cancelled_)
            stop_.emit(asio::cancellation_type::terminal);
    }

    void go_on(found response)
    {
        try
        {
            if (!response && goes_elsewhere(response.error()))
                return ask();
            if (!response)
                response = *failure_;
            else if (options_.lifetime.count() > 0)
                cache().keep(options_, *response);
        }
        catch (...)
        {
            response = error_of(std::current_exception());
        }
        complete(std::move(response));
    }

    bool goes_elsewhere(error const& why)
    {
        bool const elsewhere = may_be_elsewhere(why);
        if (!failure_ || !elsewhere || weight(why) > weight(*failure_))
            failure_ = why;
        return elsewhere && asked_ < urls_.size();
    }

    void complete(found response)
    {
        // Asio 1.26's move assignment calls itself for ever.
        handler done;
        done.swap(done_);
        std::move(done)(std::move(response));
    }

    // Never within the initiating function.
    void post_completion(found response)
    {
        asio::post(
            executor_, [self = shared_from_this(), response = std::move(response)]() mutable
            { self->complete(std::move(response)); });
    }

    asio::any_io_executor const executor_;
    std::string const issuer_;
    discovery_options const options_;
    handler done_;
    clock::time_point const began_ = clock::now();
    std::vector<std::string> urls_;
    std::size_t asked_ = 0;
    // What to say if nothing is found.
    std::optional<error> failure_;

    // Guards what follows.
    std::mutex mutex_;
    bool cancelled_ = false;
    asio::cancellation_signal stop_;
};

asio::awaitable<found>
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
