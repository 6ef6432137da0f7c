#include "client/published_keys.hpp"

#include "authentication/signed_introspection.hpp"
#include "client/discovery.hpp"
#include "client/operation.hpp"
#include "protocol/endpoint_url.hpp"
#include "values/encoding.hpp"
#include "values/make_error.hpp"

#include <exception>
#include <utility>

namespace coauth::detail
{

namespace asio = boost::asio;

namespace
{

constexpr std::chrono::hours lifetime{24};
// After a failure while there are earlier keys, and between two unknown keys.
constexpr std::chrono::minutes pause{1};

result<void> check_url(client_config const& config)
{
    auto const& url = config.server.jwks_uri;
    if (url.empty())
        return config_error(
            "server.jwks_uri is empty, and signed_introspection.fetch_jwks needs it; set it, or "
            "give the keys in signed_introspection.jwks if the server's metadata have no jwks_uri");
    auto const parsed =
        protocol::parse_endpoint(url, "server.jwks_uri", config.allow_http_loopback);
    return parsed ? result<void>() : parsed.error();
}

error named(error const& failure, std::string const& url)
{
    auto info = failure.info();
    info.context = "the server's keys cannot be fetched from " + std::string(without_query(url)) +
                   ": " + info.context;
    return {failure.value(), std::move(info)};
}

using key_set_call = metadata_call<published_keys::set_ptr, read_key_set_response>;

} // namespace

// Called by the operation, on the executor.
struct published_keys::response_handler
{
    void operator()(result<set_ptr> const& found) const { owner->on_response(found); }

    std::shared_ptr<published_keys> owner;
};

std::shared_ptr<published_keys>
make_published_keys(asio::any_io_executor executor, client_config const& config)
{
    bool const is_wanted = config.signed_introspection.fetch_jwks && config.issuer.empty();
    return is_wanted ? std::make_shared<published_keys>(std::move(executor), config) : nullptr;
}

published_keys::published_keys(asio::any_io_executor executor, client_config const& config)
    : executor_(std::move(executor))
    , url_(config.server.jwks_uri)
    , options_(discovery_options_of(config))
    , status_(check_url(config))
{
}

bool published_keys::is_due(clock::time_point now) const
{
    std::lock_guard const lock(mutex_);
    return status_ && (!keys_ || now >= due_at_);
}

result<published_keys::set_ptr> published_keys::current() const
{
    if (!status_)
        return status_.error();
    std::lock_guard const lock(mutex_);
    return keys_ ? result<set_ptr>(keys_) : error(errc::cancelled);
}

bool published_keys::are(crypto::key_set const& used) const
{
    std::lock_guard const lock(mutex_);
    return keys_.get() == &used;
}

bool published_keys::may_fetch_again(clock::time_point now)
{
    std::lock_guard const lock(mutex_);
    if (is_fetching_)
        return true;
    if (now < fetch_again_at_)
        return false;
    fetch_again_at_ = now + pause;
    return true;
}

void published_keys::fetch(std::shared_ptr<external_result> const& waiter) noexcept
{
    try
    {
        std::lock_guard const lock(mutex_);
        waiting_.push_back(waiter);
        if (std::exchange(is_fetching_, true))
            return;
    }
    catch (...)
    {
        return waiter->complete(error_of(std::current_exception()));
    }
    start();
}

void published_keys::leave(external_result const& waiter) noexcept
{
    std::shared_ptr<client_impl> client;
    {
        std::lock_guard const lock(mutex_);
        std::erase_if(waiting_, [&](auto const& one) { return one.get() == &waiter; });
        if (!is_fetching_ || !waiting_.empty())
            return;
        is_abandoned_ = true;
        client = client_.lock();
    }
    if (client)
        client->close();
}

void published_keys::start() noexcept
try
{
    send();
}
catch (...)
{
    on_response(error_of(std::current_exception()));
}

void published_keys::send()
{
    auto const client = make_metadata_client(executor_, options_, options_.timeout, url_, 1);
    {
        std::lock_guard const lock(mutex_);
        client_ = client;
        if (closed_ || is_abandoned_)
            client->close();
    }
    operation::start(
        client, std::make_unique<key_set_call>(url_, response_handler{shared_from_this()}));
}

void published_keys::on_response(result<set_ptr> const& found) noexcept
{
    std::vector<std::shared_ptr<external_result>> waiting;
    result<std::string> outcome = std::string();
    try
    {
        if (!found)
            outcome = named(found.error(), url_);
    }
    catch (...)
    {
        outcome = error(errc::out_of_memory);
    }
    bool is_wanted_again = false;
    {
        std::lock_guard const lock(mutex_);
        // Somebody came after it had been ended.
        bool const was_abandoned = std::exchange(is_abandoned_, false);
        is_wanted_again = !found && was_abandoned && !waiting_.empty();
        if (!is_wanted_again)
            waiting.swap(waiting_);
        is_fetching_ = is_wanted_again;
        due_at_ = clock::now() + (found ? clock::duration(lifetime) : clock::duration(pause));
        if (found)
            keys_ = *found;
    }
    if (is_wanted_again)
        return start();
    for (auto const& one : waiting)
        one->complete(outcome);
}

void published_keys::close() noexcept
{
    std::shared_ptr<client_impl> client;
    {
        std::lock_guard const lock(mutex_);
        closed_ = true;
        client = client_.lock();
    }
    if (client)
        client->close();
}

} // namespace coauth::detail
