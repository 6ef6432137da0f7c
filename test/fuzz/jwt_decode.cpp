// Tokens that the command decodes and prints.

#include "cli/decode.hpp"
#include "cli/sanitize_for_terminal.hpp"
#include "fuzz.hpp"

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    static coauth::cli::terminal const nowhere(-1);
    std::string_view const token(reinterpret_cast<char const*>(data), size);
    auto text = coauth::cli::decode_token(token, nowhere);
    fuzz::require(text.starts_with('\n') && text.ends_with('\n'), "whole lines are shown");
    std::erase(text, '\n');
    fuzz::require(!fuzz::has_control(text), "nothing steers the terminal");
    fuzz::require(coauth::cli::sanitize_for_terminal(text) == text, "what is shown is valid UTF-8");
    return 0;
}
