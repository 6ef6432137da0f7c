#ifndef COAUTH_SRC_CLIENT_PUBLISHED_KEYS_HPP
#define COAUTH_SRC_CLIENT_PUBLISHED_KEYS_HPP

#include <coauth/client_config.hpp>
#include <coauth/discover.hpp>

#include "client/external_result.hpp"
#include "crypto/key_set.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace coauth::detail
{

class client_impl;

// The keys that a server publishes at its `jwks_uri`, fetched when they are needed, by one request
// for all operations that wait. Thread-safe.
class published_keys : public std::enable_shared_from_this<published_keys>
{
public:
    using clock = std::chrono::steady_clock;
    using set_ptr = crypto::key_set_source::set_ptr;

    published_keys(boost::asio::any_io_executor executor, client_config const& config);

    // They have to be fetched before they are used.
    [[nodiscard]] bool is_due(clock::time_point now) const;
    // The keys in force. An error: the URL is not valid, or they were never fetched.
    [[nodiscard]] result<set_ptr> current() const;
    [[nodiscard]] bool are(crypto::key_set const& used) const;
    // A response is signed by an unknown key: whether to fetch them again for that, which a server
    // must not be able to cause for each response.
    [[nodiscard]] bool may_fetch_again(clock::time_point now);

    // The waiter is completed with an empty text or an error, never within this call.
    void fetch(std::shared_ptr<external_result> const& waiter) noexcept;
    // It does not wait any more. The last one ends the request.
    void leave(external_result const& waiter) noexcept;
    // Ends the request.
    void close() noexcept;

private:
    struct response_handler;

    void start() noexcept;
    void send();
    void on_response(result<set_ptr> const& found) noexcept;

    boost::asio::any_io_executor const executor_;
    std::string const url_;
    discovery_options const options_;
    // The URL is valid.
    result<void> const status_;

    std::mutex mutable mutex_;
    // Null: they were never fetched.
    set_ptr keys_;
    // When they are fetched again, and from when on for an unknown key.
    clock::time_point due_at_ = clock::time_point::min();
    clock::time_point fetch_again_at_ = clock::time_point::min();
    std::vector<std::shared_ptr<external_result>> waiting_;
    bool is_fetching_ = false;
    // Nobody waited for the request, which was ended.
    bool is_abandoned_ = false;
    bool closed_ = false;
    // The client of the request.
    std::weak_ptr<client_impl> client_;
};

// Null: the configuration does not ask for them.
std::shared_ptr<published_keys>
make_published_keys(boost::asio::any_io_executor executor, client_config const& config);

} // namespace coauth::detail

#endif
