#ifndef COAUTH_SRC_CLIENT_REQUEST_FACTORY_HPP
#define COAUTH_SRC_CLIENT_REQUEST_FACTORY_HPP

#include <coauth/client_config.hpp>
#include <coauth/token_request.hpp>

#include "client/credentials.hpp"
#include "client/destination.hpp"
#include "client/endpoint_call.hpp"
#include "client/external_result.hpp"
#include "crypto/jwt.hpp"
#include "crypto/key_source.hpp"
#include "net/task.hpp"
#include "net/wait.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace coauth::detail
{

// A request as it is sent, and the credentials that it contains.
struct wire_request
{
    std::shared_ptr<secret const> text;
    detail::credentials credentials;
};

// Makes the requests of one client. Thread-safe.
class request_factory
{
public:
    // Neither argument is copied but the key, which may be null.
    request_factory(
        client_config const& config, std::shared_ptr<crypto::key_source> key,
        std::shared_ptr<pending_results> results);

    // True if each attempt needs a client assertion, a DPoP proof or a value from a user's
    // function.
    [[nodiscard]] bool needs_signing(endpoint_call const& call) const noexcept;
    // Makes the request without those, which also validates it. The last request for a token is
    // cached: most clients send the same again and again.
    [[nodiscard]] result<wire_request>
    make(endpoint_call const& call, destination const& to, credentials const& current);
    // Makes the request of one attempt with all of it. Everything it refers to has to outlive the
    // task.
    [[nodiscard]] net::task<result<wire_request>> sign(
        endpoint_call const& call, destination const& to, credentials const& current,
        net::operation_context& op);

private:
    [[nodiscard]] result<wire_request> build(
        endpoint_call const& call, destination const& to, credentials const& current,
        protocol::attempt_credentials const& attempt) const;
    // The parameters that the user's functions return for one attempt, as a form.
    [[nodiscard]] net::task<result<secret>>
    dynamic_parameters(token_request const& request, net::operation_context& op) const;
    // Empty: the client does not authenticate by an assertion that it signs itself.
    [[nodiscard]] net::task<result<secret>> make_assertion(
        destination const& to, credentials const& current, net::operation_context& op) const;
    // Waits for the signature if the key is a function.
    [[nodiscard]] net::task<result<secret>> sign_by_key(
        std::shared_ptr<crypto::private_key const> key, crypto::unsigned_jwt const& jwt,
        net::operation_context& op) const;
    [[nodiscard]] net::task<result<std::string>> call_signer(
        std::shared_ptr<crypto::private_key const> key, std::string input,
        net::operation_context& op) const;

    client_config const& config_;
    std::shared_ptr<crypto::key_source> const key_source_;
    std::shared_ptr<pending_results> const results_;

    std::mutex mutex_;
    token_request cached_for_;
    wire_request cached_;
};

} // namespace coauth::detail

#endif
