#ifndef COAUTH_SRC_CLIENT_ENDPOINT_CALL_HPP
#define COAUTH_SRC_CLIENT_ENDPOINT_CALL_HPP

#include <coauth/client.hpp>

#include "net/connection.hpp"
#include "protocol/config_validation.hpp"
#include "protocol/http_request.hpp"
#include "protocol/token_response.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace coauth::detail
{

// What one operation asks of the server, what it makes of the response, and whom it tells.
class endpoint_call
{
public:
    virtual ~endpoint_call() = default;

    [[nodiscard]] virtual protocol::endpoint_kind where() const noexcept { return protocol::endpoint_kind::token; }
    // For a token: the same asked again goes over the wire as it did before.
    [[nodiscard]] virtual token_request const* request() const noexcept { return nullptr; }
    // The parameters that the user's functions give for one attempt, as a form.
    [[nodiscard]] virtual result<secret> ask() const { return secret(); }
    [[nodiscard]] virtual result<secret> build(
        client_config const& config, protocol::endpoint const& to,
        protocol::attempt_credentials const& proofs) const = 0;
    // Keeps what the response yields.
    [[nodiscard]] virtual result<void> read(
        client_config const& sent_with, http_response response,
        protocol::response_context const& at) = 0;

    [[nodiscard]] virtual boost::asio::cancellation_slot slot() const noexcept = 0;
    // At the end, before `complete`: which credentials were sent last.
    virtual void sent_with(std::uint64_t /*credentials*/) noexcept {}
    // Calls the handler, with what was kept or with the error.
    virtual void complete(result<void> outcome) = 0;
};

template <class T>
class endpoint_call_of : public endpoint_call
{
public:
    using handler = boost::asio::any_completion_handler<void(result<T>)>;

    explicit endpoint_call_of(handler done) : done_(std::move(done)) {}

    // In place of an empty one.
    void hold(handler done) noexcept { done_.swap(done); }
    [[nodiscard]] boost::asio::cancellation_slot slot() const noexcept final
    {
        return boost::asio::get_associated_cancellation_slot(done_);
    }
    void complete(result<void> outcome) final
    {
        if (outcome)
            std::move(done_)(std::move(kept_));
        else
            std::move(done_)(result<T>(outcome.error()));
    }

protected:
    result<void> keep(result<T> found)
    {
        if (!found)
            return found.error();
        kept_ = std::move(found);
        return {};
    }

private:
    handler done_;
    result<T> kept_ = error(errc::cancelled);
};

class token_call final : public endpoint_call_of<access_token>
{
public:
    token_call(
        token_request request, handler done, std::shared_ptr<std::uint64_t> sent_with = nullptr)
        : endpoint_call_of(std::move(done))
        , request_(std::move(request))
        , sent_with_(std::move(sent_with))
    {
    }

    [[nodiscard]] token_request const* request() const noexcept override { return &request_; }
    [[nodiscard]] result<secret> ask() const override
    {
        return protocol::dynamic_parameters_form(request_);
    }
    [[nodiscard]] result<secret> build(
        client_config const& config, protocol::endpoint const& to,
        protocol::attempt_credentials const& proofs) const override
    {
        auto const form = protocol::token_request_form(request_, proofs.grant);
        if (!form)
            return form.error();
        return protocol::build_form_request(config, to, *form, proofs);
    }
    [[nodiscard]] result<void> read(
        client_config const& sent_with, http_response response,
        protocol::response_context const& at) override
    {
        return keep(protocol::read_token_response(sent_with, request_, std::move(response), at));
    }
    void sent_with(std::uint64_t credentials) noexcept override
    {
        if (sent_with_)
            *sent_with_ = credentials;
    }

private:
    token_request const request_;
    std::shared_ptr<std::uint64_t> const sent_with_;
};

// Something about a token: RFC 7662 or RFC 7009.
template <class T, protocol::endpoint_kind Where, auto Read>
class token_hint_call final : public endpoint_call_of<T>
{
public:
    token_hint_call(secret token, std::string type_hint, typename endpoint_call_of<T>::handler done)
        : endpoint_call_of<T>(std::move(done))
        , token_(std::move(token))
        , type_hint_(std::move(type_hint))
    {
    }

    [[nodiscard]] protocol::endpoint_kind where() const noexcept override { return Where; }
    [[nodiscard]] result<secret> build(
        client_config const& config, protocol::endpoint const& to,
        protocol::attempt_credentials const& proofs) const override
    {
        auto const form = protocol::token_hint_form(token_, type_hint_);
        if (!form)
            return form.error();
        return protocol::build_form_request(config, to, *form, proofs);
    }
    [[nodiscard]] result<void> read(
        client_config const& sent_with, http_response response,
        protocol::response_context const& at) override
    {
        return this->keep(Read(sent_with, std::move(response), at));
    }

private:
    secret const token_;
    std::string const type_hint_;
};

using introspection_call = token_hint_call<
    introspection, protocol::endpoint_kind::introspection, &protocol::read_introspection_response>;
using revocation_call =
    token_hint_call<void, protocol::endpoint_kind::revocation, &protocol::read_revocation_response>;

// From the URL that the client has for its token endpoint.
class metadata_call final : public endpoint_call_of<authorization_server>
{
public:
    metadata_call(std::string issuer, handler done)
        : endpoint_call_of(std::move(done))
        , issuer_(std::move(issuer))
    {
    }

    [[nodiscard]] result<secret> build(
        client_config const& config, protocol::endpoint const& to,
        protocol::attempt_credentials const& /*proofs*/) const override
    {
        return protocol::build_get_request(config, to);
    }
    [[nodiscard]] result<void> read(
        client_config const& sent_with, http_response response,
        protocol::response_context const& at) override
    {
        return keep(protocol::read_metadata_response(sent_with, issuer_, std::move(response), at));
    }

private:
    std::string const issuer_;
};

} // namespace coauth::detail

#endif
