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

// Aborts the program with this message if the condition is false.
void require(bool condition, char const* message);

bool holds(std::string_view text, std::string_view part);
// True for C0 and C1 controls and DEL in UTF-8.
bool has_control(std::string_view text);

// An input is text, so that a corpus is readable: a line of options, then the rest.
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

// Removes the first line from `text` and returns it without its end.
std::string_view take_line(std::string_view& text);

// Characters that encodings treat differently. The library's own texts do not contain them.
inline constexpr char const* client_id = "app+1%2F&=\"\xC3\xA9";
inline constexpr char const* client_secret = "p:S 3+cr/%t&=\xC3\xBC~";

// A configuration with these credentials. Options: `h` keeps headers, `t` requires a token_type,
// `l` allows http to a loopback address. An unusual lifetime is malformed with `m`, single-use with
// `o`, assumed with `a`.
coauth::client_config config(input const& from);

// The status, header fields up to an empty line, and the body.
coauth::http_response response(input const& from);
// The same with a separate status.
coauth::http_response response(unsigned status, std::string_view fields_and_body);

// The request is sent on 2026-11-23, the response is received two seconds later.
coauth::protocol::response_context times();

// Checks the invariants of errors.
void check_error(coauth::error const& failure, coauth::http_response const& response);
// Checks the invariants of tokens.
void check_token(coauth::access_token const& token, coauth::http_response const& response);
// Checks the invariants of texts for logs.
void check_text(std::string_view text, std::string_view allowed_controls = {});

} // namespace fuzz

#endif
