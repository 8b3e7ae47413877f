#include "coordinator/ksuite/settings.hpp"

namespace kilter::ksuite {

Settings Settings::standard() {
    Settings settings;
    settings.rho = 0.0068;
    settings.alpha = 1.88;
    settings.weights = {.generator = 0.5,
                        .costly_generator = 16,
                        .battery = 2.2,
                        .deferrable = 15,
                        .curtailable = 0.45,
                        .line = 1.1,
                        .line_exponent = 0.65};
    settings.start_price = 0.12;
    settings.phases_on_cycles_only = true;
    settings.phase_unit = PhaseUnit::flow;
    return settings;
}

}  // namespace kilter::ksuite
