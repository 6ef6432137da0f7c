// Bundles of certificates.

#include "crypto/pem_bundle.hpp"

#include "fuzz.hpp"

namespace
{

std::size_t count(std::string_view text, std::string_view part)
{
    std::size_t found = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size()))
        ++found;
    return found;
}

void check_block(coauth::crypto::pem_block const& block, std::size_t lines)
{
    fuzz::require(block.line >= 1 && block.line <= lines, "a block begins on a line of the file");
    auto const text = coauth::crypto::pem_text(block);
    for (std::string_view rest = text; !rest.empty();)
    {
        auto const line = fuzz::take_line(rest);
        fuzz::require(
            line.starts_with("-----") || line.size() <= 64, "OpenSSL can read every line");
    }
    auto const again = coauth::crypto::split_pem(text, "again");
    fuzz::require(
        again && again->size() == 1 && again->front().base64 == block.base64 &&
            again->front().label == block.label,
        "a block does not change when it is read again");
}

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    auto const blocks = coauth::crypto::split_pem(text, "the file");
    auto const lines = count(text, "\n") + 1;
    if (!blocks)
    {
        auto const message = blocks.error().message();
        fuzz::check_text(message);
        fuzz::require(
            fuzz::holds(message, "the file is damaged at line "), "a refusal has the line");
        return 0;
    }
    fuzz::require(blocks->size() == count(text, "-BEGIN "), "no block is lost without an error");
    std::size_t line = 0;
    for (auto const& block : *blocks)
    {
        fuzz::require(block.line >= line, "blocks are in their order");
        line = block.line;
        check_block(block, lines);
    }
    return 0;
}
