#ifndef COAUTH_SRC_CLIENT_DISCOVERED_ENDPOINTS_HPP
#define COAUTH_SRC_CLIENT_DISCOVERED_ENDPOINTS_HPP

#include <coauth/client_config.hpp>
#include <coauth/client_counters.hpp>

#include "client/discovery.hpp"
#include "values/abortable.hpp"
#include "values/token_times.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

namespace coauth::detail
{

class client_impl;

// The endpoints of a client that only knows its issuer. Each metadata document makes a client of
// its own, which has all that depends on the endpoints. Thread-safe.
class discovered_endpoints : public std::enable_shared_from_this<discovered_endpoints>
{
public:
    using clock = std::chrono::steady_clock;

    discovered_endpoints(boost::asio::any_io_executor executor, client_config config);

    // The client with the known endpoints, which are read again in the background if it is time.
    // Null: they are not known.
    [[nodiscard]] std::shared_ptr<client_impl> use();
    // The same, but reads nothing.
    [[nodiscard]] std::shared_ptr<client_impl> known() const;
    // Starts a discovery for a call that has until `deadline`. Its handler is to call `store`.
    void discover(clock::time_point deadline, discovery_call::handler_type handler) const;
    // Returns the client to use, or why there is none.
    [[nodiscard]] result<std::shared_ptr<client_impl>> store(metadata_result const& found);
    // An endpoint of the client responded.
    void on_response(client_impl const& from, unsigned status) noexcept;

    // A call waits for the endpoints: `close` ends it. False: this is closed.
    [[nodiscard]] bool add_waiting(std::weak_ptr<abortable> call);
    void add_counters(client_counters& to) const;
    // Ends the calls that wait, the operations of the client, and the reading of its endpoints.
    void close() noexcept;

private:
    struct read_again;

    [[nodiscard]] client_config config_for(authorization_server const& found) const;
    // Null: there is no client yet, or the endpoints have changed.
    [[nodiscard]] std::shared_ptr<client_impl> keep_if_unchanged(authorization_server const& found);
    void read() noexcept;
    void on_read(metadata_result const& found);

    boost::asio::any_io_executor const executor_;
    client_config const config_;

    std::mutex mutable mutex_;
    std::shared_ptr<client_impl> client_;
    // What the client was made of.
    authorization_server server_;
    client_counters of_earlier_clients_;
    // When the endpoints are to be read again.
    dual_time read_at_;
    // Responses in a row that say that an endpoint is gone, and when they count again.
    unsigned gone_ = 0;
    clock::time_point gone_not_before_ = clock::time_point::min();
    bool is_reading_ = false;
    // Null: the reading has not yet started.
    std::shared_ptr<boost::asio::cancellation_signal> cancel_reading_;
    std::vector<std::weak_ptr<abortable>> waiting_;
    bool closed_ = false;
};

} // namespace coauth::detail

#endif
