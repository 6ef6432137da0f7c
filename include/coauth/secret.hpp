#ifndef COAUTH_SECRET_HPP
#define COAUTH_SECRET_HPP

#include <coauth/export.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace coauth
{

/// Overwrites `size` bytes at `data` in a way that the compiler may not remove.
COAUTH_DECL void wipe(void* data, std::size_t size) noexcept;

/// Overwrites the characters of `text`, also those in its inline buffer, and empties it.
COAUTH_DECL void wipe(std::string& text) noexcept;

/// An allocator that wipes memory before it gives it back.
///
/// Used for everything that holds a client secret, a request body or a token. Allocation throws
/// `std::bad_alloc` as `std::allocator` does.
template <class T>
struct wiping_allocator
{
    using value_type = T;

    wiping_allocator() = default;
    template <class U>
    constexpr wiping_allocator(wiping_allocator<U> const&) noexcept
    {
    }

    [[nodiscard]] T* allocate(std::size_t n) { return std::allocator<T>().allocate(n); }
    void deallocate(T* p, std::size_t n) noexcept
    {
        wipe(p, n * sizeof(T));
        std::allocator<T>().deallocate(p, n);
    }

    friend bool operator==(wiping_allocator, wiping_allocator) noexcept { return true; }
};

/// Text that must not be printed and does not stay in memory: a client secret, a token.
///
/// It cannot be written to a stream and has no conversion to a string; `view()` is the one way to
/// its characters. Every byte that it owned is overwritten when it is released. A value type:
/// different objects may be used from different threads.
class COAUTH_DECL secret
{
public:
    /// An empty secret.
    secret() noexcept = default;
    secret(secret const& other);
    secret(secret&& other) noexcept;
    secret& operator=(secret other) noexcept;
    ~secret();

    /// Takes the characters of `text`; the argument's own storage is wiped.
    secret(std::string text);
    /// Copies the characters of `text`, which stays with the caller. Null, as `std::getenv` says of
    /// a variable that is not set: empty.
    secret(char const* text);
    explicit secret(std::string_view text);

    /// The characters, valid while this object lives and is not assigned to.
    [[nodiscard]] std::string_view view() const noexcept { return {bytes_, size_}; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// Appends; the old storage is wiped when it has to grow.
    secret& append(std::string_view text);
    secret& append(char c);
    /// Puts `text` before the rest; without an allocation where `reserve` made room for it.
    secret& prepend(std::string_view text);
    void reserve(std::size_t size);
    /// Wipes the characters and empties the secret.
    void clear() noexcept;

    /// Compares in a time that depends on the lengths alone.
    friend COAUTH_DECL bool operator==(secret const& a, secret const& b) noexcept;

    template <class Stream>
    friend Stream& operator<<(Stream&, secret const&) = delete;

private:
    // Not a container: those copy byte by byte for an allocator of one's own.
    char* bytes_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

} // namespace coauth

#endif
