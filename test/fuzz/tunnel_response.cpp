// What a proxy responds to CONNECT: in one piece and byte by byte the same comes of it.

#include "net/tunnel_response.hpp"

#include "fuzz.hpp"

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    coauth::net::tunnel_response whole;
    whole.read(text);
    coauth::net::tunnel_response split;
    std::size_t taken = 0;
    while (taken < size && !split.is_complete())
        split.read(text.substr(0, ++taken));
    fuzz::require(
        whole.is_complete() == split.is_complete() && whole.status() == split.status(),
        "the pieces do not matter");
    fuzz::require(whole.status() < 1000, "a status has three digits");
    if (!whole.is_complete() || whole.status() == 0)
        return 0;
    fuzz::require(split.extra() == 0, "it ends with its header");
    fuzz::require(whole.extra() == size - taken, "what follows the header is not a part of it");
    fuzz::require(
        whole.status() == 101 || whole.status() < 100 || whole.status() >= 200,
        "an informational response is not the last");
    return 0;
}
