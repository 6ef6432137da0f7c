#ifndef COAUTH_SRC_PROTOCOL_RESPONSE_CONTEXT_HPP
#define COAUTH_SRC_PROTOCOL_RESPONSE_CONTEXT_HPP

#include <coauth/client_authentication.hpp>

#include <chrono>
#include <string_view>

namespace coauth::protocol
{

// The request that a response belongs to.
struct response_context
{
    // When the request was sent.
    std::chrono::system_clock::time_point sent;
    std::chrono::steady_clock::time_point sent_steady;
    // When the whole response had been received.
    std::chrono::system_clock::time_point received;
    // The request as sent. The response may repeat its secrets.
    std::string_view request = {};
    // With the secret in force when it was sent. Null: that of the configuration.
    client_authentication const* authentication = nullptr;
};

} // namespace coauth::protocol

#endif
