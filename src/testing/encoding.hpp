#ifndef COAUTH_SRC_TESTING_ENCODING_HPP
#define COAUTH_SRC_TESTING_ENCODING_HPP

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// A server's reading of what clients write; on purpose not the code that the client writes with.
namespace coauth::testing
{

// One name or value of a form; none when a "%" is not followed by two hexadecimal digits.
std::optional<std::string> decode_form_text(std::string_view text);

// The members of a form in their order.
std::optional<std::vector<std::pair<std::string, std::string>>> decode_form(std::string_view form);

std::optional<std::string> decode_base64(std::string_view text);

// RFC 4648 section 5, without padding.
std::optional<std::string> decode_base64url(std::string_view text);
std::string encode_base64url(std::string_view bytes);

// So many random characters of the base64url alphabet.
std::string random_text(std::size_t size);

} // namespace coauth::testing

#endif
