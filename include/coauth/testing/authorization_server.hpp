#ifndef COAUTH_TESTING_AUTHORIZATION_SERVER_HPP
#define COAUTH_TESTING_AUTHORIZATION_SERVER_HPP

#include <coauth/client_config.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>
#include <coauth/testing/received_request.hpp>
#include <coauth/testing/response.hpp>
#include <coauth/testing/server_options.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// A loopback authorization server for tests. Link `coauth::testing`. Not for production.
namespace coauth::testing
{

/// An authorization server on a loopback address, with a thread of its own.
///
/// It creates its CA and its certificates when it starts, unless you give it a certificate. It
/// verifies method, path, grant, credentials and scope like a real server; scripted responses
/// replace its own. It has a token endpoint, metadata (/.well-known/oauth-authorization-server and
/// /.well-known/openid-configuration), introspection and revocation, and an API that accepts its
/// tokens, with metadata (/.well-known/oauth-protected-resource).
///
/// \par Thread safety
/// All functions may be called from any thread at the same time.
class COAUTH_DECL authorization_server
{
public:
    /// Starts a server. Fails with `errc::connect_failed` if it cannot listen at the address and
    /// port, and with `errc::tls_failed` if the TLS options are not possible.
    [[nodiscard]] static result<authorization_server> start(server_options options = {});

    /// Moves the server, which continues to run. The object moved from may then only be assigned to
    /// or destroyed.
    authorization_server(authorization_server&&) noexcept;
    /// Stops this server, then moves the other one here.
    authorization_server& operator=(authorization_server&&) noexcept;
    /// Closes every connection and waits for the thread.
    ~authorization_server();

    /// The port of the server.
    [[nodiscard]] std::uint16_t port() const noexcept;
    /// "https://127.0.0.1:PORT/oauth/token". `host`, if not empty, replaces the address.
    [[nodiscard]] std::string token_endpoint(std::string const& host = {}) const;
    /// The `issuer` in the metadata: "https://127.0.0.1:PORT" and `server_options::issuer_path`.
    [[nodiscard]] std::string issuer() const;
    /// The URL of the introspection endpoint.
    [[nodiscard]] std::string introspection_endpoint() const;
    /// The URL of the revocation endpoint.
    [[nodiscard]] std::string revocation_endpoint() const;
    /// The URL of the API: its resource identifier.
    [[nodiscard]] std::string api_url() const;
    /// The port that requests client certificates: `port()`, or with
    /// `client_certificates::requested_at_alias` another one.
    [[nodiscard]] std::uint16_t mtls_port() const noexcept;
    /// The URL of the token endpoint at `mtls_port()`.
    [[nodiscard]] std::string mtls_token_endpoint() const;
    /// The certificate of the CA to trust, as PEM text.
    [[nodiscard]] std::string const& ca_pem() const noexcept;
    /// The certificate revocation lists of the CA and of its intermediate, as PEM text. If
    /// `revoked`, the server's own certificate is on the list of the intermediate. Empty without
    /// TLS and with `server_options::certificate_pem`.
    [[nodiscard]] std::string crl_pem(bool revoked = true) const;
    /// The JSON Web Key Set at `server_options::jwks_path`, for `signed_introspection_options`.
    [[nodiscard]] std::string jwks() const;
    /// A configuration for a client of this server, with the issuer and the endpoints of its
    /// metadata and the credentials in `server_options`.
    [[nodiscard]] client_config config() const;

    /// Queues a response for one request: the next one to its path after the responses queued
    /// before.
    void push_response(response scripted);
    /// Sets the response for every request to its path for which none is queued.
    void set_response(response scripted);
    /// Removes all scripted responses.
    void clear_responses();

    /// Changes the key of the session tickets: earlier TLS sessions cannot be resumed any more, and
    /// clients that offer one do a full handshake.
    void rotate_session_keys();
    /// Changes the nonce that DPoP proofs need. Clients receive the new one with the next response.
    void rotate_dpop_nonce();

    /// The complete requests received so far.
    [[nodiscard]] std::vector<received_request> requests() const;
    /// Number of connections accepted.
    [[nodiscard]] std::size_t connections() const noexcept;
    /// Number of TLS handshakes completed.
    [[nodiscard]] std::size_t handshakes() const noexcept;
    /// Number of TLS handshakes that resumed a session.
    [[nodiscard]] std::size_t resumed() const noexcept;
    /// Number of bytes of requests received, counted inside TLS.
    [[nodiscard]] std::size_t bytes_received() const noexcept;
    /// Number of bytes of responses sent.
    [[nodiscard]] std::size_t bytes_sent() const noexcept;
    /// The host name that the last TLS client sent (SNI). Empty: it sent none.
    [[nodiscard]] std::string server_name() const;

    /// Waits until the server has accepted `count` connections since its start.
    ///
    /// \param count Number of connections.
    /// \param limit Time limit.
    /// \return False if `limit` passed first.
    bool wait_for_connections(
        std::size_t count, std::chrono::milliseconds limit = std::chrono::seconds(10)) const;
    /// Waits until the server has received `count` complete requests since its start.
    ///
    /// \param count Number of requests.
    /// \param limit Time limit.
    /// \return False if `limit` passed first.
    bool wait_for_requests(
        std::size_t count, std::chrono::milliseconds limit = std::chrono::seconds(10)) const;

private:
    class state;
    explicit authorization_server(std::unique_ptr<state> s) noexcept;
    std::unique_ptr<state> state_;
};

} // namespace coauth::testing

#endif
