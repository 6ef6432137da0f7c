#ifndef COAUTH_SRC_PROTOCOL_DECODED_TEXT_HPP
#define COAUTH_SRC_PROTOCOL_DECODED_TEXT_HPP

#include <coauth/secret.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace coauth::protocol
{

enum class text_encoding
{
    // RFC 3986, hex digits in either case.
    percent,
    // The same with `+` for a space.
    form,
    // Backslash escapes.
    json,
    // Character references.
    html,
};

inline constexpr std::array all_encodings = {
    text_encoding::percent, text_encoding::form, text_encoding::json, text_encoding::html};

// A text without its escapes. Every character of it knows where it was.
class decoded_text
{
public:
    decoded_text(std::string_view encoded, text_encoding encoding);

    // Wiped with this object.
    [[nodiscard]] std::string_view text() const noexcept { return text_.view(); }
    // The position in the encoded text of a character, or of the end.
    [[nodiscard]] std::size_t position(std::size_t index) const { return positions_[index]; }

private:
    secret text_;
    std::vector<std::uint32_t> positions_;
};

// Decodes Base64 in both alphabets, from any character on, padding ignored.
secret decode_base64_part(std::string_view text);

} // namespace coauth::protocol

#endif
