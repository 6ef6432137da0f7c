#ifndef COAUTH_SRC_TOKEN_STORE_RECORD_TEXT_HPP
#define COAUTH_SRC_TOKEN_STORE_RECORD_TEXT_HPP

#include <coauth/secret.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace coauth::detail
{

// Writes the text of a record: numbers of 8 bytes, and texts with their length in front.
class record_writer
{
public:
    void number(std::uint64_t value)
    {
        for (unsigned shift = 64; shift != 0;)
        {
            shift -= 8;
            bytes_.append(static_cast<char>(value >> shift & 0xffU));
        }
    }
    void text(std::string_view value)
    {
        number(value.size());
        bytes_.append(value);
    }
    [[nodiscard]] std::string_view view() const noexcept { return bytes_.view(); }

private:
    secret bytes_;
};

// Reads what a `record_writer` has written. After a failure everything is zero or empty.
class record_reader
{
public:
    explicit record_reader(std::string_view bytes) noexcept : rest_(bytes) {}

    // A number from 0 to `max`.
    std::int64_t number(std::int64_t max) noexcept
    {
        auto const value = number();
        if (value > static_cast<std::uint64_t>(max))
            failed_ = true;
        return failed_ ? 0 : static_cast<std::int64_t>(value);
    }
    std::uint64_t number() noexcept
    {
        std::uint64_t value = 0;
        for (char const c : take(8))
            value = value << 8U | static_cast<unsigned char>(c);
        return value;
    }
    std::string_view text() noexcept { return take(number()); }

    [[nodiscard]] bool failed() const noexcept { return failed_; }
    // True if all was read, and nothing failed.
    [[nodiscard]] bool at_end() const noexcept { return !failed_ && rest_.empty(); }

private:
    std::string_view take(std::uint64_t size) noexcept
    {
        if (failed_ || size > rest_.size())
        {
            failed_ = true;
            return {};
        }
        auto const taken = rest_.substr(0, static_cast<std::size_t>(size));
        rest_.remove_prefix(taken.size());
        return taken;
    }

    std::string_view rest_;
    bool failed_ = false;
};

} // namespace coauth::detail

#endif
