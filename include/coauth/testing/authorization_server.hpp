#ifndef COAUTH_TESTING_AUTHORIZATION_SERVER_HPP
#define COAUTH_TESTING_AUTHORIZATION_SERVER_HPP

#include <coauth/client_config.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>
#include <coauth/testing/answer.hpp>
#include <coauth/testing/received_request.hpp>
#include <coauth/testing/server_options.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// A loopback authorization server for tests: link `coauth::testing`. Not for production.
namespace coauth::testing
{

/// An authorization server on a loopback address, with a thread of its own.
///
/// It makes its CA and its certificates when it starts; it checks method, path, grant, credentials
/// and scope as a real one does; what it is told to answer it answers instead. Beside the token
/// endpoint it has metadata (at /.well-known/oauth-authorization-server and
/// /.well-known/openid-configuration), introspection and revocation. All functions may be called
/// from any thread. Destruction closes every connection and waits for the thread.
class COAUTH_DECL authorization_server
{
public:
    /// Starts a server. Fails with `errc::connect_failed` when address and port cannot be had, and
    /// with `errc::tls_failed` when the TLS options cannot be met.
    [[nodiscard]] static result<authorization_server> start(server_options options = {});

    authorization_server(authorization_server&&) noexcept;
    authorization_server& operator=(authorization_server&&) noexcept;
    ~authorization_server();

    [[nodiscard]] std::uint16_t port() const noexcept;
    /// "https://127.0.0.1:PORT/oauth/token"; with `host` in place of the address when given.
    [[nodiscard]] std::string token_endpoint(std::string const& host = {}) const;
    /// What the metadata says as `issuer`: "https://127.0.0.1:PORT" and `issuer_path`.
    [[nodiscard]] std::string issuer() const;
    [[nodiscard]] std::string introspection_endpoint() const;
    [[nodiscard]] std::string revocation_endpoint() const;
    /// Where clients are asked for certificates; the same as `port()` unless that is an alias.
    [[nodiscard]] std::uint16_t mtls_port() const noexcept;
    [[nodiscard]] std::string mtls_token_endpoint() const;
    /// The certificate of the CA to trust.
    [[nodiscard]] std::string const& ca_pem() const noexcept;
    /// The certificate revocation lists of that CA and of its intermediate; the server's own
    /// certificate is on the latter's, unless `revoked` is false.
    [[nodiscard]] std::string crl_pem(bool revoked = true) const;
    /// A configuration with which a client gets a token from this server, asks it about that, and
    /// revokes it: issuer and endpoints as the metadata say.
    [[nodiscard]] client_config config() const;

    /// One request gets this answer: the next one to its path, after those pushed before.
    void push(answer a);
    /// Every request to its path gets this one, when none is pushed.
    void always(answer a);
    /// Forgets all scripted answers.
    void unscript();

    /// Changes the key of its session tickets: no TLS session made before can be resumed, and
    /// whoever offers one is led through a full handshake.
    void forget_sessions();
    /// Changes the nonce that DPoP proofs need: clients learn the new one from the next answer.
    void renew_dpop_nonce();

    /// The requests received so far, whole ones only.
    [[nodiscard]] std::vector<received_request> requests() const;
    /// How many connections were accepted, TLS handshakes completed, and completed by resumption.
    [[nodiscard]] std::size_t connections() const noexcept;
    [[nodiscard]] std::size_t handshakes() const noexcept;
    [[nodiscard]] std::size_t resumed() const noexcept;
    /// How many bytes of requests came, as counted within TLS, and how many were sent in answer.
    [[nodiscard]] std::size_t bytes_received() const noexcept;
    [[nodiscard]] std::size_t bytes_sent() const noexcept;
    /// The host name that the last TLS client asked for (SNI); empty when it sent none.
    [[nodiscard]] std::string server_name() const;

    /// Waits until so many connections, or whole requests, have come since the start. False when
    /// `limit` passed first.
    bool wait_for_connections(
        std::size_t count, std::chrono::milliseconds limit = std::chrono::seconds(10)) const;
    bool wait_for_requests(
        std::size_t count, std::chrono::milliseconds limit = std::chrono::seconds(10)) const;

private:
    class state;
    explicit authorization_server(std::unique_ptr<state> s) noexcept;
    std::unique_ptr<state> state_;
};

} // namespace coauth::testing

#endif
