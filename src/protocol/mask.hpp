#ifndef COAUTH_SRC_PROTOCOL_MASK_HPP
#define COAUTH_SRC_PROTOCOL_MASK_HPP

#include <coauth/client_config.hpp>

#include "http_answer.hpp"

#include <string>

namespace coauth::protocol
{

// The request as readable text: credentials and every parameter that may be one are masked.
std::string masked_request(secret const& wire);

// The answer as readable text: only members and fields known to be harmless keep their values.
std::string masked_answer(http_answer const& answer, client_config const& config);

// Replaces every form of the client's secret (plain, form-encoded, as Basic value) in `text`.
void scrub(std::string& text, client_authentication const& who);

// Text of the server made fit for logs: at most 1 KiB, control characters replaced, without the
// client's secret and without the token that came with it.
std::string
safe_text(std::string_view text, client_authentication const& who, std::string_view token = {});

} // namespace coauth::protocol

#endif
