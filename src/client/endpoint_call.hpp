#ifndef COAUTH_SRC_CLIENT_ENDPOINT_CALL_HPP
#define COAUTH_SRC_CLIENT_ENDPOINT_CALL_HPP

#include <coauth/client.hpp>

#include "client/token_call_options.hpp"
#include "crypto/key_set.hpp"
#include "protocol/config_validation.hpp"
#include "protocol/http_request.hpp"
#include "protocol/token_response.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace coauth::detail
{

// The request of one operation, its result, and the handler of that result.
class endpoint_call
{
public:
    virtual ~endpoint_call() = default;

    [[nodiscard]] virtual protocol::endpoint_kind endpoint() const noexcept
    {
        return protocol::endpoint_kind::token;
    }
    // Of a call for a token; null for the others. Equal requests have equal bytes on the wire.
    [[nodiscard]] virtual token_request const* request() const noexcept { return nullptr; }
    // Earlier than this the operation may end at `client_config::timeout`.
    [[nodiscard]] virtual std::chrono::steady_clock::time_point deadline() const noexcept
    {
        return std::chrono::steady_clock::time_point::max();
    }
    // `token_call_options::operation`.
    [[nodiscard]] virtual std::uint64_t operation_number() const noexcept { return 0; }
    [[nodiscard]] virtual result<secret> build(
        client_config const& config, client_authentication const& authentication,
        protocol::endpoint const& endpoint, protocol::attempt_credentials const& attempt) const = 0;

    // The response is verified with these keys, which the server publishes.
    virtual void use_published_keys(crypto::key_set_source::set_ptr const& /*keys*/) {}
    // After `read`: those keys, if others might verify the response. Null: the result is final.
    [[nodiscard]] virtual crypto::key_set const* outdated_keys() const noexcept { return nullptr; }

    // Sets the result from the response.
    virtual void read(
        client_config const& config, http_response response,
        protocol::response_context const& context) = 0;
    // Sets the result.
    virtual void fail(error failure) noexcept = 0;
    // The error of the result; none: success.
    [[nodiscard]] virtual std::optional<error> failure() const = 0;

    [[nodiscard]] virtual boost::asio::cancellation_slot slot() const noexcept = 0;
    // Called before `complete`: the version of the credentials that were sent last.
    virtual void set_credentials_version(std::uint64_t /*version*/) noexcept {}
    // Calls the handler with the result.
    virtual void complete() = 0;
};

// Of an operation, unless its deadline is earlier.
inline std::chrono::milliseconds
time_limit(endpoint_call const& call, client_config const& config) noexcept
{
    auto const* const request = call.request();
    auto const own = request != nullptr ? request->timeout() : std::nullopt;
    return own.value_or(config.timeout);
}

template <class T>
class endpoint_call_base : public endpoint_call
{
public:
    using handler_type = boost::asio::any_completion_handler<void(result<T>)>;

    explicit endpoint_call_base(handler_type handler) : handler_(std::move(handler)) {}

    // Replaces an empty handler.
    void set_handler(handler_type handler) noexcept { handler_.swap(handler); }
    [[nodiscard]] boost::asio::cancellation_slot slot() const noexcept final
    {
        return boost::asio::get_associated_cancellation_slot(handler_);
    }
    void fail(error failure) noexcept final { result_ = std::move(failure); }
    [[nodiscard]] std::optional<error> failure() const final
    {
        return result_.has_error() ? std::optional<error>(result_.error()) : std::nullopt;
    }
    void complete() final { std::move(handler_)(std::move(result_)); }

protected:
    void set_result(result<T> outcome) { result_ = std::move(outcome); }

private:
    handler_type handler_;
    result<T> result_ = error(errc::cancelled);
};

class token_call final : public endpoint_call_base<access_token>
{
public:
    token_call(token_request request, handler_type handler, token_call_options options = {})
        : endpoint_call_base(std::move(handler))
        , request_(std::move(request))
        , options_(std::move(options))
    {
    }

    [[nodiscard]] token_request const* request() const noexcept override { return &request_; }
    [[nodiscard]] std::chrono::steady_clock::time_point deadline() const noexcept override
    {
        return options_.deadline;
    }
    [[nodiscard]] std::uint64_t operation_number() const noexcept override
    {
        return options_.operation;
    }
    [[nodiscard]] result<secret> build(
        client_config const& config, client_authentication const& authentication,
        protocol::endpoint const& endpoint,
        protocol::attempt_credentials const& attempt) const override
    {
        auto const form = protocol::token_request_form(request_, attempt.grant);
        if (!form)
            return form.error();
        return protocol::build_form_request(
            config, authentication, endpoint, *form, attempt, {.own = request_.headers()});
    }
    void read(
        client_config const& config, http_response response,
        protocol::response_context const& context) override
    {
        set_result(protocol::read_token_response(config, request_, std::move(response), context));
    }
    void set_credentials_version(std::uint64_t version) noexcept override
    {
        if (options_.credentials_version)
            *options_.credentials_version = version;
    }

private:
    token_request const request_;
    token_call_options const options_;
};

// A call that revokes a token (RFC 7009).
class revocation_call final : public endpoint_call_base<void>
{
public:
    revocation_call(secret token, std::string type_hint, handler_type handler)
        : endpoint_call_base(std::move(handler))
        , token_(std::move(token))
        , type_hint_(std::move(type_hint))
    {
    }

    [[nodiscard]] protocol::endpoint_kind endpoint() const noexcept override
    {
        return protocol::endpoint_kind::revocation;
    }
    [[nodiscard]] result<secret> build(
        client_config const& config, client_authentication const& authentication,
        protocol::endpoint const& endpoint,
        protocol::attempt_credentials const& attempt) const override
    {
        auto const form = protocol::token_hint_form(token_, type_hint_);
        if (!form)
            return form.error();
        return protocol::build_form_request(config, authentication, endpoint, *form, attempt);
    }
    void read(
        client_config const& config, http_response response,
        protocol::response_context const& context) override
    {
        set_result(protocol::read_revocation_response(config, std::move(response), context));
    }

private:
    secret const token_;
    std::string const type_hint_;
};

// Fetches a document from the URL that is configured as the token endpoint. `Read` checks that it
// is that of `subject`: the metadata of an issuer or a resource, or the keys at a URL.
template <
    class T, result<T> (*Read)(
                 client_config const& config, std::string_view subject, http_response response,
                 protocol::response_context const& context)>
class metadata_call final : public endpoint_call_base<T>
{
public:
    metadata_call(std::string subject, typename endpoint_call_base<T>::handler_type handler)
        : endpoint_call_base<T>(std::move(handler))
        , subject_(std::move(subject))
    {
    }

    [[nodiscard]] result<secret> build(
        client_config const& config, client_authentication const& /*authentication*/,
        protocol::endpoint const& endpoint,
        protocol::attempt_credentials const& /*attempt*/) const override
    {
        return protocol::build_get_request(config, endpoint);
    }
    void read(
        client_config const& config, http_response response,
        protocol::response_context const& context) override
    {
        this->set_result(Read(config, subject_, std::move(response), context));
    }

private:
    std::string const subject_;
};

using issuer_metadata_call = metadata_call<authorization_server, protocol::read_metadata_response>;

} // namespace coauth::detail

#endif
