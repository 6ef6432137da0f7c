#ifndef COAUTH_SRC_CLIENT_INTROSPECTION_CALL_HPP
#define COAUTH_SRC_CLIENT_INTROSPECTION_CALL_HPP

#include "authentication/signed_introspection.hpp"
#include "client/endpoint_call.hpp"

#include <memory>
#include <string>
#include <utility>

namespace coauth::detail
{

// A call that asks about a token (RFC 7662).
class introspection_call final : public endpoint_call_base<introspection>
{
public:
    // `keys`: those of the configuration, which verify signed responses.
    introspection_call(
        secret token, std::string type_hint, std::shared_ptr<crypto::key_set_source> keys,
        handler_type handler)
        : endpoint_call_base(std::move(handler))
        , token_(std::move(token))
        , type_hint_(std::move(type_hint))
        , keys_(std::move(keys))
    {
    }

    [[nodiscard]] protocol::endpoint_kind endpoint() const noexcept override
    {
        return protocol::endpoint_kind::introspection;
    }
    [[nodiscard]] result<secret> build(
        client_config const& config, client_authentication const& authentication,
        protocol::endpoint const& endpoint,
        protocol::attempt_credentials const& attempt) const override
    {
        auto const form = protocol::token_hint_form(token_, type_hint_);
        if (!form)
            return form.error();
        protocol::call_fields fields;
        // Before the request: without keys its response would be of no use.
        if (keys_)
            if (auto const current = keys_->current(); !current)
                return current.error();
        if (wants_signed_introspection(config))
            fields.accept = "application/token-introspection+jwt";
        return protocol::build_form_request(
            config, authentication, endpoint, *form, attempt, fields);
    }
    void use_published_keys(key_set_ptr const& keys) override { published_ = keys; }
    [[nodiscard]] crypto::key_set const* outdated_keys() const noexcept override
    {
        return key_is_unknown_ && published_ ? published_->get() : nullptr;
    }
    void read(
        client_config const& config, http_response response,
        protocol::response_context const& context) override
    {
        key_is_unknown_ = false;
        if (wants_signed_introspection(config))
        {
            auto const current = keys_ ? keys_->current() : published_;
            if (!current)
                return set_result(current.error());
            auto verified = verify_introspection_response(
                config, **current, std::move(response), context, key_is_unknown_);
            if (!verified)
                return set_result(verified.error());
            response = std::move(*verified);
        }
        set_result(protocol::read_introspection_response(config, std::move(response), context));
    }

private:
    secret const token_;
    std::string const type_hint_;
    std::shared_ptr<crypto::key_set_source> const keys_;
    result<key_set_ptr> published_ = error(errc::cancelled);
    bool key_is_unknown_ = false;
};

} // namespace coauth::detail

#endif
