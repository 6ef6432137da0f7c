#ifndef COAUTH_SRC_CLIENT_RESOURCE_DISCOVERY_HPP
#define COAUTH_SRC_CLIENT_RESOURCE_DISCOVERY_HPP

#include <coauth/discover_resource.hpp>

#include "client/discovery.hpp"
#include "protocol/resource_metadata.hpp"
#include "values/abortable.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace coauth::detail
{

// One call of `async_discover_resource`: the metadata of the API, from one URL or another, and then
// those of one of its authorization servers. It is owned by its pending step.
class resource_discovery final : public abortable,
                                 public std::enable_shared_from_this<resource_discovery>
{
public:
    using handler_type =
        boost::asio::any_completion_handler<resource_discovery_completion_signature>;

    resource_discovery(
        boost::asio::any_io_executor executor, resource_discovery_options options,
        handler_type handler);

    // Calls the handler on the executor, and not within this call.
    void start(std::string const& url);
    void abort(errc reason) noexcept override;

private:
    using clock = std::chrono::steady_clock;
    using url_list = std::vector<protocol::resource_metadata_url>;
    using document_result = result<protocol::resource_metadata>;
    // Ends the pending step.
    using signal_ptr = std::shared_ptr<boost::asio::cancellation_signal>;
    template <class T>
    struct step_handler;

    // None: there is a further step.
    using outcome = std::optional<result<protected_resource>>;

    // On the executor.
    void fetch_next_document();
    void on_step(document_result document);
    [[nodiscard]] outcome on_document(document_result document);
    void discover_next_server();
    void on_step(metadata_result server);
    [[nodiscard]] outcome on_server(metadata_result server);
    template <class Step>
    void advance(Step step);

    // Calls `begin` with the handler of the next step; a cancellation ends that step.
    template <class T, class Begin>
    void begin_step(Begin begin);
    [[nodiscard]] bool is_cancelled() const;
    // With the lock held.
    void cancel_step() const noexcept;
    // The share of the time left for one of `steps` steps.
    [[nodiscard]] std::chrono::milliseconds time_for(std::size_t steps) const;
    void remember(error const& failure);
    void finish(result<protected_resource> ended);
    // The same from outside the executor.
    void post_failure(error failure);

    boost::asio::any_io_executor const executor_;
    resource_discovery_options const options_;
    clock::time_point const deadline_;
    url_list urls_;
    // Of the URL that the program called.
    std::string origin_;
    std::size_t next_url_ = 0;
    protected_resource found_;
    // Those to try.
    std::vector<std::string> issuers_;
    std::size_t next_issuer_ = 0;
    // The error to report if nothing is found.
    std::optional<error> failure_;
    handler_type handler_;

    // Guards the rest.
    std::mutex mutable mutex_;
    bool cancelled_ = false;
    std::size_t step_ = 0;
    // Null while a step begins.
    signal_ptr cancel_step_;
};

} // namespace coauth::detail

#endif
