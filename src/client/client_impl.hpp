#ifndef COAUTH_SRC_CLIENT_CLIENT_IMPL_HPP
#define COAUTH_SRC_CLIENT_CLIENT_IMPL_HPP

#include <coauth/client.hpp>

#include "client/connection_pool.hpp"
#include "client/deadline_queue.hpp"
#include "client/external_signer.hpp"
#include "crypto/private_key.hpp"
#include "net/connection.hpp"
#include "net/context_shutdown.hpp"
#include "protocol/config_validation.hpp"
#include "protocol/endpoint_url.hpp"
#include "protocol/http_request.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace coauth::detail
{

class endpoint_call;

using token_handler = boost::asio::any_completion_handler<access_token_completion_signature>;

// What a client is behind its handle: shared with its operations, so that it may go before them.
class client_impl final : public net::context_shutdown::member,
                          public std::enable_shared_from_this<client_impl>
{
public:
    client_impl(boost::asio::any_io_executor executor, client_config config);
    ~client_impl();
    client_impl(client_impl const&) = delete;
    client_impl& operator=(client_impl const&) = delete;

    [[nodiscard]] result<void> validate() const;
    // The operation, while it lives: `close` ends it.
    // Where `sent_with` is given, it tells at the end which credentials were sent last.
    std::weak_ptr<deadline_entry> start(
        token_request request, token_handler handler,
        std::shared_ptr<std::uint64_t> sent_with = nullptr);
    void start(std::unique_ptr<endpoint_call> what);
    void close() noexcept;
    [[nodiscard]] bool context_is_gone() const noexcept { return context_is_gone_; }
    using member::with_context;
    [[nodiscard]] client_counters counters() const;

    // Where requests of one kind go, and the connections to there.
    struct destination
    {
        protocol::endpoint endpoint;
        std::string url;
        std::shared_ptr<net::target const> target;
        std::shared_ptr<connection_pool> pool;

        [[nodiscard]] std::unique_ptr<net::connection>
        make_connection(boost::asio::any_io_executor const& run_on) const
        {
            return std::make_unique<net::connection>(run_on, target);
        }
    };
    [[nodiscard]] result<destination const*> where(protocol::endpoint_kind of) const;

    // The configuration with a secret in it, and which credentials these are, as `credentials`
    // counts them.
    struct snapshot
    {
        std::shared_ptr<client_config const> config;
        std::uint64_t credentials = 0;
    };
    // A request as it goes over the wire, and what it was made with.
    struct built
    {
        std::shared_ptr<secret const> wire;
        std::shared_ptr<client_config const> config;
        std::uint64_t credentials = 0;
    };
    // With what the user's function says now.
    [[nodiscard]] result<snapshot> current_config();
    // Or why it cannot be made; null: the proofs come later, if any. The last one that needs none
    // is kept: most clients ask for the same again and again.
    [[nodiscard]] result<built> build(
        endpoint_call const& what, destination const& to, snapshot const& present,
        protocol::attempt_credentials const* proofs);
    // Tells `client_config::debug` what is about to be sent.
    void show(built const& request) const;
    [[nodiscard]] result<void> read(
        endpoint_call& what, destination const& from, built const& sent,
        net::exchange_outcome outcome) const;

    // Whether each attempt carries something that was made for it.
    [[nodiscard]] bool needs_signing(endpoint_call const& what) const noexcept;
    // What has to be signed for an attempt that goes to this URL; empty: nothing.
    [[nodiscard]] result<secret>
    jws_signing_input(client_config const& present, std::string const& url) const;
    [[nodiscard]] result<secret> sign(client_config const& present, std::string_view input) const;
    // Null: it signs by other means than a key of one's own.
    [[nodiscard]] protocol::private_key const* key() const noexcept { return key_.get(); }

    // Asks for the secret anew, and looks at the certificate; the number says whether either is
    // another than before.
    std::uint64_t refresh_credentials();
    [[nodiscard]] std::uint64_t credentials() const noexcept { return credentials_; }

    // Of no other client of this process, at any time.
    std::uint64_t const number;
    boost::asio::any_io_executor const executor;
    client_config const config;
    std::shared_ptr<deadline_queue> const deadlines;
    std::shared_ptr<pending_signatures> const signers;

    struct atomic_counters
    {
        std::atomic<std::uint64_t> tokens{0};
        std::atomic<std::uint64_t> failures{0};
        std::atomic<std::uint64_t> attempts{0};
        std::atomic<std::uint64_t> opened{0};
        std::atomic<std::uint64_t> resumed{0};
        std::atomic<std::uint64_t> reused{0};
    };
    atomic_counters counts;
    std::atomic<std::uint64_t> last_operation{0};

private:
    result<void> prepare();
    result<destination> prepare(protocol::endpoint_kind of) const;
    template <class F>
    void each_pool(F const& f) const;
    void context_gone() noexcept override;
    void debug(std::string const& text) const noexcept;

    std::mutex present_mutex_;
    std::shared_ptr<client_config const> present_;
    bool secret_failed_ = false;
    // Of the certificate that was looked at last.
    std::string shown_;
    std::atomic<std::uint64_t> credentials_{0};

    std::mutex built_mutex_;
    token_request built_for_;
    built built_;

    std::shared_ptr<protocol::private_key const> key_;
    // By place; those of the same origin share their connections.
    std::vector<result<destination>> destinations_;
    result<void> status_;
    std::atomic<bool> context_is_gone_{false};
};

} // namespace coauth::detail

#endif
