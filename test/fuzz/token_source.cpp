// Operations on a refresh policy: each byte chooses an operation, or a random value within it.

#include "fuzz.hpp"
#include "unit/refresh_simulation.hpp"

#include <span>

namespace
{

class scripted_rng
{
public:
    explicit scripted_rng(std::span<std::uint8_t const>& script) : script_(&script) {}

    std::uint64_t below(std::uint64_t n) { return n <= 256 ? next() % n : next() * n / 256; }
    double fraction() { return static_cast<double>(next()) / 256; }

private:
    std::uint64_t next()
    {
        if (script_->empty())
            return 0;
        auto const byte = script_->front();
        *script_ = script_->subspan(1);
        return byte;
    }

    std::span<std::uint8_t const>* script_;
};

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::span<std::uint8_t const> script(data, size);
    try
    {
        test::refresh_simulation<scripted_rng> tested{scripted_rng(script)};
        while (!script.empty())
            tested.step();
        tested.close();
    }
    catch (test::invariant_violated const& violated)
    {
        fuzz::require(false, violated.what());
    }
    return 0;
}
