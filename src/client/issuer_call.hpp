#ifndef COAUTH_SRC_CLIENT_ISSUER_CALL_HPP
#define COAUTH_SRC_CLIENT_ISSUER_CALL_HPP

#include "client/client_impl.hpp"
#include "client/endpoint_call.hpp"
#include "values/abortable.hpp"

#include <boost/asio/cancellation_signal.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

namespace coauth::detail
{

// Starts an operation of a client, which may have to discover its endpoints first. The result ends
// the operation while it runs.
std::weak_ptr<abortable>
start_operation(std::shared_ptr<client_impl> const& client, std::unique_ptr<endpoint_call> call);

// A call of a client that does not know its endpoints: it discovers them, and is then an operation
// of the client that has them.
class issuer_call final : public abortable, public std::enable_shared_from_this<issuer_call>
{
public:
    issuer_call(std::shared_ptr<client_impl> client, std::unique_ptr<endpoint_call> call);

    void start();
    void abort(errc reason) noexcept override;

private:
    struct metadata_handler;
    class forwarding_call;

    using clock = std::chrono::steady_clock;

    // With the lock held.
    void cancel_discovery() noexcept;
    [[nodiscard]] std::optional<errc> aborted() const;
    void on_metadata(metadata_result const& found);
    // The operation of the client that has the endpoints.
    [[nodiscard]] std::shared_ptr<abortable> start_call(std::shared_ptr<client_impl> const& with);
    void fail(error failure);

    std::shared_ptr<client_impl> const client_;
    std::unique_ptr<endpoint_call> const call_;
    clock::time_point const deadline_;
    boost::asio::cancellation_signal cancel_discovery_;

    std::mutex mutable mutex_;
    std::optional<errc> aborted_;
    // The discovery has been started, so that it can be cancelled.
    bool is_discovering_ = false;
    std::weak_ptr<abortable> operation_;
};

} // namespace coauth::detail

#endif
