#ifndef COAUTH_TEST_FUZZ_FUZZ_HPP
#define COAUTH_TEST_FUZZ_FUZZ_HPP

#include <coauth/client_config.hpp>

#include "protocol/token_response.hpp"
#include "values/http_response.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace fuzz
{

// Ends the program with these words when it does not hold.
void require(bool holds, char const* what);

bool holds(std::string_view text, std::string_view part);
// C0 and C1 controls and DEL, in UTF-8.
bool has_control(std::string_view text);

// An input is text, so that a corpus can be read: a first line of options, and the rest.
struct input
{
    std::string_view options;
    std::string_view rest;

    input(std::uint8_t const* data, std::size_t size);

    // An option is a letter anywhere in the first line.
    [[nodiscard]] bool has(char option) const { return options.find(option) != options.npos; }
    // The digits of the first line.
    [[nodiscard]] unsigned number() const;
};

// Takes a line, without its end, from `text`.
std::string_view take_line(std::string_view& text);

// Characters that encodings get wrong, and that no text of ours holds by chance.
inline constexpr char const* client_id = "app+1%2F&=\"\xC3\xA9";
inline constexpr char const* client_secret = "p:S 3+cr/%t&=\xC3\xBC~";

// A configuration with these credentials. Options: `h` keeps headers, `t` wants a token_type, `l`
// allows http to a loopback address, `m` is malformed whatever is unusual of a lifetime, `o` makes
// it usable once, `a` assumes one.
coauth::client_config config(input const& from);

// The status, header fields up to an empty line, and the body.
coauth::http_response response(input const& from);
// The same when the first line is followed by something else first.
coauth::http_response response(unsigned status, std::string_view fields_and_body);

// When requests are sent and responses come: 2026-11-23, after two seconds.
coauth::protocol::response_context times();

// What holds of every error, whatever the server responded.
void check_error(coauth::error const& why, coauth::http_response const& from);
// What holds of every token.
void check_token(coauth::access_token const& token, coauth::http_response const& from);
// What holds of every text for logs.
void check_text(std::string_view text, std::string_view allowed_controls = {});

} // namespace fuzz

#endif
