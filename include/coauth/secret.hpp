#ifndef COAUTH_SECRET_HPP
#define COAUTH_SECRET_HPP

#include <coauth/export.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace coauth
{

/// Secret text, such as a client secret or a token: it cannot be printed, and it is overwritten
/// when it is released.
///
/// It cannot be written to a stream or converted to a string; only `view()` gives access to the
/// characters. A value type: different objects may be used from different threads.
class COAUTH_DECL secret
{
public:
    /// An empty secret.
    secret() noexcept = default;
    /// Copies the characters.
    secret(secret const& other);
    /// Takes the characters; `other` becomes empty.
    secret(secret&& other) noexcept;
    /// Replaces the characters and overwrites the old ones.
    secret& operator=(secret other) noexcept;
    /// Overwrites the characters.
    ~secret();

    /// Takes the characters of `text` and overwrites the argument's storage.
    secret(std::string text);
    ///@{

    /// Copies the characters of `text`. The caller's copy is not overwritten. A null pointer, as
    /// `std::getenv` returns for a variable that is not set, is an empty secret.
    secret(char const* text);
    explicit secret(std::string_view text);
    ///@}

    /// The characters. Valid until this object is changed or destroyed.
    [[nodiscard]] std::string_view view() const noexcept { return {bytes_, size_}; }
    /// True if there are no characters.
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// The number of characters.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    ///@{

    /// Appends characters. If the storage grows, the old storage is overwritten.
    secret& append(std::string_view text);
    secret& append(char c);
    ///@}
    /// Inserts `text` at the beginning. Allocates nothing if `reserve` made room for it.
    secret& prepend(std::string_view text);
    /// Makes room for `size` characters.
    void reserve(std::size_t size);
    /// Overwrites the characters and empties the secret.
    void clear() noexcept;

    /// Compares in a time that depends only on the lengths.
    friend COAUTH_DECL bool operator==(secret const& a, secret const& b) noexcept;

    /// Deleted: a secret cannot be printed.
    template <class Stream>
    friend Stream& operator<<(Stream&, secret const&) = delete;

private:
    // Not a std::vector: with an allocator of its own, that copies element by element.
    char* bytes_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

} // namespace coauth

#endif
