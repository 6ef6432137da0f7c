#ifndef COAUTH_SRC_TESTING_ENCODING_HPP
#define COAUTH_SRC_TESTING_ENCODING_HPP

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Decoders of the server. They are not the library's own code, so that they can reveal its faults.
namespace coauth::testing
{

// One name or value of a form. None if a "%" is not followed by two hexadecimal digits.
std::optional<std::string> decode_form_text(std::string_view text);

// The parameters of a form, in their order. None if one cannot be decoded.
std::optional<std::vector<std::pair<std::string, std::string>>> decode_form(std::string_view text);

std::optional<std::string> decode_base64(std::string_view text);

// RFC 4648 section 5, without padding.
std::optional<std::string> decode_base64url(std::string_view text);
std::string encode_base64url(std::string_view bytes);

// `size` random characters of the base64url alphabet.
std::string random_text(std::size_t size);

} // namespace coauth::testing

#endif
