#ifndef COAUTH_SRC_CLIENT_CLIENT_IMPL_HPP
#define COAUTH_SRC_CLIENT_CLIENT_IMPL_HPP

#include <coauth/client.hpp>

#include "client/config_files.hpp"
#include "client/credentials.hpp"
#include "client/deadline_queue.hpp"
#include "client/destination.hpp"
#include "client/discovered_endpoints.hpp"
#include "client/external_result.hpp"
#include "client/published_keys.hpp"
#include "client/request_factory.hpp"
#include "client/token_call_options.hpp"
#include "crypto/key_set.hpp"
#include "net/context_shutdown.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace coauth::detail
{

using token_handler = boost::asio::any_completion_handler<access_token_completion_signature>;

// State shared by a client and its operations; outlives the client while operations run.
class client_impl final : public net::context_shutdown::listener,
                          public std::enable_shared_from_this<client_impl>
{
public:
    // `made_by`: whoever discovered the endpoints in `config`.
    client_impl(
        boost::asio::any_io_executor executor, client_config config,
        std::weak_ptr<discovered_endpoints> made_by = {});
    ~client_impl();
    client_impl(client_impl const&) = delete;
    client_impl& operator=(client_impl const&) = delete;

    // Also looks at the files that the client uses.
    [[nodiscard]] result<void> validate() const;
    // The configuration is valid, but for its files.
    [[nodiscard]] bool is_prepared() const noexcept { return status_.has_value(); }
    void close() noexcept;
    [[nodiscard]] bool context_is_gone() const noexcept { return context_is_gone_; }
    [[nodiscard]] client_counters counters() const;

    // An error if the client cannot send requests: the configuration is invalid, or what is in
    // files has never been usable.
    [[nodiscard]] result<destination const*> find_destination(protocol::endpoint_kind endpoint);
    // Not before `find_destination` has found one.
    [[nodiscard]] credential_source& credentials() noexcept { return *credentials_; }
    [[nodiscard]] request_factory& requests() noexcept { return *requests_; }
    // What the operations of this client wait for.
    [[nodiscard]] std::shared_ptr<pending_results> const& results() noexcept { return results_; }

    // Loads secret, keys, certificates and CAs again. Returns the version of the credentials in
    // force.
    std::uint64_t refresh_credentials();
    // The key and the certificate to which the server may bind tokens now: thumbprints and a
    // separator. None: one of them cannot be used.
    [[nodiscard]] std::optional<std::string> key_binding() const;
    // The version of the credentials that were loaded last.
    [[nodiscard]] std::uint64_t credentials_version() const noexcept;

    // An endpoint responded.
    void on_response(unsigned status) const noexcept;

    // Unique in this process.
    std::uint64_t const id;
    boost::asio::any_io_executor const executor;
    client_config const config;
    std::shared_ptr<deadline_queue> const deadlines;
    // Null: the endpoints are those of the configuration. Else only this has endpoints.
    std::shared_ptr<discovered_endpoints> const endpoints;
    // Verify signed responses to introspection: keys of the configuration, or those that the server
    // publishes. Both null: such responses are not requested.
    std::shared_ptr<crypto::key_set_source> const introspection_keys;
    std::shared_ptr<published_keys> const server_keys;

    struct atomic_counters
    {
        std::atomic<std::uint64_t> tokens{0};
        std::atomic<std::uint64_t> failures{0};
        std::atomic<std::uint64_t> attempts{0};
        std::atomic<std::uint64_t> connections_opened{0};
        std::atomic<std::uint64_t> sessions_resumed{0};
        std::atomic<std::uint64_t> connections_reused{0};
        std::atomic<std::uint64_t> hedged_requests{0};
    };
    atomic_counters totals;
    std::atomic<std::uint64_t> last_operation_id{0};

private:
    result<void> prepare();
    void on_context_shutdown() noexcept override;

    std::weak_ptr<discovered_endpoints> const made_by_;
    std::shared_ptr<pending_results> const results_;
    // Empty: the configuration is invalid, or its endpoints have to be discovered.
    std::optional<destinations> destinations_;
    std::optional<credential_source> credentials_;
    std::optional<request_factory> requests_;
    std::shared_ptr<config_files const> files_;
    // After the first success, a failure is reported by the operation that needs the file.
    std::atomic<bool> files_were_usable_{false};
    // The status of the configuration without its files. Declared after the members that `prepare`
    // sets.
    result<void> status_;
    std::atomic<bool> context_is_gone_{false};
};

// Starts an operation. The result ends it while it runs.
std::weak_ptr<abortable> start_get_access_token(
    std::shared_ptr<client_impl> const& client, token_request request, token_handler handler,
    token_call_options options);

} // namespace coauth::detail

#endif
