#ifndef COAUTH_TEST_SOAK_MISBEHAVIOUR_HPP
#define COAUTH_TEST_SOAK_MISBEHAVIOUR_HPP

#include <coauth/testing/response.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace soak
{

// The server's response to its n-th request. It depends on the seed alone, so that the process of
// the clients can compute it too.
class misbehaviour
{
public:
    explicit misbehaviour(std::uint64_t seed) : seed_(seed) {}

    [[nodiscard]] coauth::testing::response response(std::size_t n) const;
    // Whether the response is a complete token response without delay.
    [[nodiscard]] bool good(std::size_t n) const;
    [[nodiscard]] static std::string token(std::size_t n);

private:
    [[nodiscard]] unsigned draw(std::size_t n, unsigned salt, unsigned below) const;

    std::uint64_t seed_;
};

} // namespace soak

#endif
